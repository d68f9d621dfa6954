import { closeSync, constants, fstatSync, readFileSync } from 'node:fs'
import { openBeneath } from '#kernel/paths.ts'
import type { UserDatabase } from './spec/user.ts'

/** A passwd file larger than this is no passwd file. */
const MAX_BYTES = 16 * 1024 * 1024

/** Reads /etc/passwd and /etc/group of a root, never outside of it. What cannot be read is as if it were not there. */
export function readUserDatabase(root: string): UserDatabase {
  return { passwd: readText(root, '/etc/passwd'), group: readText(root, '/etc/group') }
}

function readText(root: string, path: string): string | null {
  let fd: number
  try {
    // An image may hold a FIFO here: opening it must not wait.
    fd = openBeneath(root, path, { flags: constants.O_RDONLY | constants.O_NONBLOCK })
  } catch {
    return null
  }
  try {
    const stat = fstatSync(fd)
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : null
  } finally {
    closeSync(fd)
  }
}
