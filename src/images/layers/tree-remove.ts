import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { unlinkat } from '#kernel/native/files.ts'
import { O_CLOEXEC, O_REAL_DIRECTORY } from '#kernel/paths.ts'
import { entryPath } from './tree-walk.ts'

const AT_REMOVEDIR = 0x200

/** A file name as an argument of a system call: as text when that is the same. */
export function nameArgument(name: string): string | Buffer {
  return /^[\x00-\x7f]*$/.test(name) ? name : Buffer.from(name, 'latin1')
}

/**
 * Removes a file or a directory with all that is in it. No link is followed, whatever someone does to the tree
 * meanwhile. What is not there is fine.
 */
export function removeTree(parentFd: number, name: string): void {
  if (unlinkUnlessDirectory(parentFd, name)) return
  emptyDirectory(parentFd, name)
  ignoreAbsent(() => unlinkat(parentFd, nameArgument(name), AT_REMOVEDIR))
}

/** Removes what is in a directory, but for the names that `keep` says. */
export function emptyDirectory(
  parentFd: number,
  name: string,
  keep: (name: string) => boolean = () => false,
): void {
  const levels = [openLevel(parentFd, name, keep)]
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const next = level.names.pop()
      if (next === undefined) {
        levels.pop()
        closeSync(level.fd)
        const above = levels.at(-1)
        if (above !== undefined)
          ignoreAbsent(() => unlinkat(above.fd, nameArgument(level.name), AT_REMOVEDIR))
      } else if (!unlinkUnlessDirectory(level.fd, next)) {
        levels.push(openLevel(level.fd, next))
      }
    }
  } finally {
    for (const level of levels) closeSync(level.fd)
  }
}

interface Level {
  readonly fd: number
  readonly name: string
  readonly names: string[]
}

function openLevel(parentFd: number, name: string, keep: (name: string) => boolean = () => false): Level {
  const fd = openSync(entryPath(parentFd, name), constants.O_RDONLY | O_REAL_DIRECTORY | O_CLOEXEC)
  const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' })
  return { fd, name, names: names.filter((entry) => !keep(entry)) }
}

function unlinkUnlessDirectory(parentFd: number, name: string): boolean {
  try {
    unlinkat(parentFd, nameArgument(name), 0)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return true
    if (errno === 'EISDIR' || errno === 'EPERM') return false
    throw error
  }
}

function ignoreAbsent(call: () => void): void {
  try {
    call()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
