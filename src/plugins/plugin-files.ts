import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Dirent } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { parseJsonFile, parseSpecFile } from './plugin-address.ts'
import type { PluginAddress } from './plugin-address.ts'

/** Where plugins make themselves known. */
export interface PluginDirectories {
  /** Sockets: `name.sock` or `name/name.sock`. */
  readonly sockets: string
  /** Files with an address: `name.spec`, `name.json`, also below `name/`; the first directory wins. */
  readonly specs: readonly string[]
}

/** Docker's ("Plugin discovery"). */
export const PLUGIN_DIRECTORIES: PluginDirectories = {
  sockets: '/run/docker/plugins',
  specs: ['/etc/docker/plugins', '/usr/lib/docker/plugins'],
}

/**
 * Where the plugin of this name listens, or null. Sockets win over files.
 * @throws InvalidArgumentError when its file cannot be understood
 */
export function findPlugin(name: string, directories: PluginDirectories): PluginAddress | null {
  // A name comes from a client: it must not lead out of the directories.
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) return null
  const inDirectory = (directory: string, extension: string): readonly string[] => [
    join(directory, `${name}.${extension}`),
    join(directory, name, `${name}.${extension}`),
  ]
  for (const socketPath of inDirectory(directories.sockets, 'sock')) {
    if (isSocket(socketPath)) return { kind: 'unix', socketPath }
  }
  for (const directory of directories.specs) {
    for (const path of inDirectory(directory, 'spec')) {
      const text = readOrNull(path)
      if (text !== null) return parseSpecFile(text, path)
    }
    for (const path of inDirectory(directory, 'json')) {
      const text = readOrNull(path)
      if (text !== null) return parseJsonFile(text, path)
    }
  }
  return null
}

/** The names of all plugins there are, sorted. */
export function pluginNames(directories: PluginDirectories): readonly string[] {
  const names = new Set<string>()
  const scan = (directory: string, pattern: RegExp): void => {
    for (const entry of entriesOf(directory)) {
      const inside = entry.isDirectory() ? entriesOf(join(directory, entry.name)) : [entry]
      for (const file of inside) {
        const name = pattern.exec(file.name)?.[1]
        if (name !== undefined && (!entry.isDirectory() || name === entry.name)) names.add(name)
      }
    }
  }
  scan(directories.sockets, /^(.+)\.sock$/)
  for (const directory of directories.specs) scan(directory, /^(.+)\.(?:spec|json)$/)
  return [...names].sort()
}

/** What tells a socket from a later one of the same path; null when there is none. */
export function socketIdentity(address: PluginAddress): string | null {
  if (address.kind === 'tcp') return `${address.host}:${String(address.port)}`
  const stat = statSync(address.socketPath, { throwIfNoEntry: false })
  return stat === undefined ? null : `${String(stat.dev)}:${String(stat.ino)}:${String(stat.ctimeMs)}`
}

function isSocket(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() === true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')
}
