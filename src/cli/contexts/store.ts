import type * as Crypto from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { CliConfig } from '../config.ts'

/** A context's metadata, in the form of `~/.docker/contexts/meta/<sha256 of name>/meta.json`. */
export interface ContextMeta {
  Name: string
  Metadata: { Description?: string; [other: string]: unknown }
  Endpoints: Record<string, { Host?: string; SkipTLSVerify?: boolean; [other: string]: unknown }>
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/

/** Loaded when a context is named, which few commands do: node:crypto costs milliseconds. */
const hash = (name: string): string => {
  const { createHash } = process.getBuiltinModule('node:crypto') as typeof Crypto
  return createHash('sha256').update(name).digest('hex')
}

/** The folder of a context's metadata. */
export const metaFolder = (config: CliConfig, name: string): string =>
  `${config.directory}/contexts/meta/${hash(name)}`
/** The folder of a context's TLS files for the docker endpoint. */
export const tlsFolder = (config: CliConfig, name: string): string =>
  `${config.directory}/contexts/tls/${hash(name)}`

/** @throws InvalidArgumentError when the name is none that a new context may have. */
export function checkContextName(name: string): void {
  if (name === '') throw new InvalidArgumentError('context name cannot be empty')
  if (name === 'default') throw new InvalidArgumentError('"default" is a reserved context name')
  if (!NAME.test(name))
    throw new InvalidArgumentError(
      `context name "${name}" is invalid, names are validated against regexp "${NAME.source}"`,
    )
}

/** Reads a context. @throws NotFoundError. */
export function readContext(config: CliConfig, name: string): ContextMeta {
  const path = `${metaFolder(config, name)}/meta.json`
  if (!existsSync(path))
    throw new NotFoundError(`context "${name}": context not found: open ${path}: no such file or directory`)
  return JSON.parse(readFileSync(path, 'utf8')) as ContextMeta
}

/** Whether the context exists. */
export const hasContext = (config: CliConfig, name: string): boolean =>
  existsSync(`${metaFolder(config, name)}/meta.json`)

/** Writes a context's metadata. */
export function writeContext(config: CliConfig, meta: ContextMeta): void {
  mkdirSync(metaFolder(config, meta.Name), { recursive: true, mode: 0o755 })
  writeFileSync(`${metaFolder(config, meta.Name)}/meta.json`, JSON.stringify(meta))
}

/** Removes a context with its TLS files. */
export function removeContext(config: CliConfig, name: string): void {
  rmSync(metaFolder(config, name), { recursive: true, force: true })
  rmSync(tlsFolder(config, name), { recursive: true, force: true })
}

/** All contexts but the default one, by name. */
export function listContexts(config: CliConfig): ContextMeta[] {
  const folder = `${config.directory}/contexts/meta`
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((entry) => existsSync(`${folder}/${entry}/meta.json`))
    .map((entry) => JSON.parse(readFileSync(`${folder}/${entry}/meta.json`, 'utf8')) as ContextMeta)
    .toSorted((a, b) => (a.Name < b.Name ? -1 : 1))
}

/** The TLS files of a context's docker endpoint. */
export function contextTlsFiles(
  config: CliConfig,
  name: string,
): Record<'ca' | 'cert' | 'key', string | null> {
  const folder = `${tlsFolder(config, name)}/docker`
  const at = (file: string) => (existsSync(`${folder}/${file}`) ? `${folder}/${file}` : null)
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') }
}
