import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

const DIRECTORIES = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/libexec',
]

/** The absolute path of a program, looked for in the system's directories whatever PATH says; null if not installed. */
export function findProgram(name: string): string | null {
  const candidates = name.startsWith('/') ? [name] : DIRECTORIES.map((directory) => join(directory, name))
  return candidates.find(isExecutable) ?? null
}

/** Tells whether the file can be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
