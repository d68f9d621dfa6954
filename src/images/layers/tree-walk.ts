import { type BigIntStats, closeSync, constants, lstatSync, openSync, readdirSync, statfsSync } from 'node:fs'
import { DataLossError, errnoOf } from '#errors/errors.ts'
import { O_CLOEXEC, O_REAL_DIRECTORY } from '#kernel/paths.ts'

/** A file met on a walk. */
export interface TreeFile {
  /** From the walk's root, `a/b`, as bytes (latin1). Empty for the root itself. */
  readonly path: string
  /** Where the file can be reached by system calls, while the walk stands at it: links on the way there are none. */
  readonly at: string | Buffer
  readonly stat: BigIntStats
}

/** What one directory on the way down needs. */
interface Level {
  fd: number
  readonly path: string
  readonly device: bigint
  readonly inode: bigint
  readonly names: string[]
}

/** Open directories above the one at hand that are kept; those further up are opened again on the way back. */
const MAX_OPEN = 128

/**
 * Walks a tree depth first, names in the order of their bytes, a directory before what is in it. No path is longer
 * than one name and no link is followed, so trees of any depth and trees that someone changes meanwhile are safe:
 * the walk never leaves the tree. Files that vanish are passed over. What the kernel makes up (proc, sysfs …), as in a
 * running container, is not entered.
 * @param rootFd a directory, open for reading; it stays the caller's
 * @param options.enters whether to look into a directory; by default into all
 */
export function* walkTree(
  rootFd: number,
  options: { enters?: (path: string) => boolean } = {},
): Generator<TreeFile> {
  const levels: Level[] = [
    openLevel(
      openSync(`/proc/self/fd/${rootFd}`, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC),
      '',
    ),
  ]
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names.pop()
      if (name === undefined) {
        leave(levels)
        continue
      }
      const at = entryPath(level.fd, name)
      const stat = orVanished(() => lstatSync(at, { bigint: true }))
      if (stat === null) continue
      const path = level.path === '' ? name : `${level.path}/${name}`
      yield { path, at, stat }
      if (!stat.isDirectory() || options.enters?.(path) === false) continue
      if (stat.dev !== level.device && isKernelView(at)) continue
      const fd = orVanished(() => openSync(at, constants.O_RDONLY | O_REAL_DIRECTORY | O_CLOEXEC))
      if (fd === null) continue
      levels.push(openLevel(fd, path))
      const far = levels.at(-1 - MAX_OPEN)
      if (far !== undefined && far.fd !== -1 && levels.length - 1 - MAX_OPEN > 0) {
        closeSync(far.fd)
        far.fd = -1
      }
    }
  } finally {
    for (const level of levels) if (level.fd !== -1) closeSync(level.fd)
  }
}

/** Magic numbers of statfs(2): proc, sysfs, devpts, mqueue, cgroup, cgroup2. */
const KERNEL_VIEWS: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x1cd1, 0x19800202, 0x27e0eb, 0x63677270,
])

/** Whether a directory shows what the kernel makes up. */
export function isKernelView(at: string | Buffer): boolean {
  const found = orVanished(() => statfsSync(at))
  return found !== null && KERNEL_VIEWS.has(found.type)
}

/** Where a name in an open directory can be reached by system calls. */
export function entryPath(directoryFd: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${directoryFd}/${name}`

  return /^[\x00-\x7f]*$/.test(name) ? path : Buffer.from(path, 'latin1')
}

function openLevel(fd: number, path: string): Level {
  const own = lstatSync(`/proc/self/fd/${fd}/.`, { bigint: true })
  const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' }).sort().reverse()
  return { fd, path, device: own.dev, inode: own.ino, names }
}

function leave(levels: Level[]): void {
  const left = levels.pop() as Level
  const parent = levels.at(-1)
  if (parent?.fd === -1) {
    const fd = openSync(`/proc/self/fd/${left.fd}/..`, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC)
    const stat = lstatSync(`/proc/self/fd/${fd}/.`, { bigint: true })
    if (stat.dev !== parent.device || stat.ino !== parent.inode) {
      closeSync(fd)
      throw new DataLossError('a directory was moved while it was read')
    }
    parent.fd = fd
  }
  closeSync(left.fd)
}

/** The result, or null when the file is not there any more, or no longer of its kind. */
export function orVanished<T>(call: () => T): T | null {
  try {
    return call()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return null
    throw error
  }
}
