import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errnoOf, KernelError } from '#errors/errors.ts'

/** Reads a control file, without its newline. @throws KernelError */
export function readControl(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch (error) {
    throw new KernelError('read', errnoOf(error) ?? 'EIO', { path: file, cause: error })
  }
}

/** As `readControl`; null when the file does not exist (a controller that is not there, a kernel without it). */
export function readControlIfAny(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch {
    return null
  }
}

/** Writes a control file. @throws KernelError with the errno of write(2) */
export function writeControl(file: string, value: string | number): void {
  try {
    writeFileSync(file, String(value), { flag: 'r+' })
  } catch (error) {
    throw new KernelError('write', errnoOf(error) ?? 'EIO', { path: file, cause: error })
  }
}

/** `name value` lines as a record. */
export function parseFlatKeyed(text: string): Readonly<Record<string, number>> {
  const values: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const space = line.lastIndexOf(' ')
    if (space > 0) values[line.slice(0, space)] = Number(line.slice(space + 1))
  }
  return values
}

/** A limit as a number: `max`, and v1's almost 2^63, are none. */
export function parseLimit(text: string | null): number | null {
  if (text === null || text === 'max') return null
  const value = Number(text)
  return value >= 2 ** 62 ? null : value
}

/** Names of the groups directly below a directory of a hierarchy. */
export function childGroups(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return []
  }
}

/** The pids in a group and in those below it, from one hierarchy. */
export function processesBelow(directory: string): readonly number[] {
  const own = readControlIfAny(join(directory, 'cgroup.procs'))
  if (own === null) return []
  const pids = own
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
  for (const child of childGroups(directory)) pids.push(...processesBelow(join(directory, child)))
  return pids
}

/** How long a group may be busy with processes that are ending before removal gives up. */
const BUSY_LIMIT_MS = 10_000

/** Removes a group's directory and those below it, depth first. */
export async function removeGroup(directory: string): Promise<void> {
  const deadline = Date.now() + BUSY_LIMIT_MS
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 100)) {
    try {
      // A few microseconds of a dozen hierarchies: a dozen trips to another thread cost more.
      rmdirSync(directory)
      return
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT') return
      if (errno !== 'EBUSY' || Date.now() > deadline) throw error
    }
    // Busy means: a group below it, or a process that has not been reaped yet.
    const below = await readdir(directory, { withFileTypes: true }).catch(() => [])
    for (const entry of below) if (entry.isDirectory()) await removeGroup(join(directory, entry.name))
    await sleep(waitMs)
  }
}

/** Polls until a control file says so. @throws KernelError ETIMEDOUT */
export async function waitForControl(file: string, isReached: (text: string) => boolean): Promise<void> {
  const FREEZE_LIMIT_MS = 10_000
  const deadline = Date.now() + FREEZE_LIMIT_MS
  for (let waitMs = 0; ; waitMs = Math.min(waitMs + 1, 20)) {
    if (isReached(readControl(file))) return
    if (Date.now() > deadline) throw new KernelError('freeze', 'ETIMEDOUT', { path: file })
    await sleep(waitMs)
  }
}
