import { lstatSync, readlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { resolveBeneath } from '#kernel/paths.ts'
import { keptXattrs } from './kept-xattrs.ts'

/** A directory of the base. */
export interface KeptDirectory {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  readonly xattrs: ReadonlyMap<string, Buffer>
}

/** What is beneath a new layer: where its paths really lead. */
export interface BaseView {
  /** What stands at a path, links followed; null for nothing. */
  kind(path: string): 'directory' | 'other' | null
  /** The directory at a real path as a layer above must have it too, or it would change; null where nothing need be said. */
  directory(path: string): KeptDirectory | null
  /** The path with the links of its existing part followed, absolute in the image. */
  real(path: string): string
}

/** As many links as the kernel follows in one path (path_resolution(7)). */
const MAX_LINKS = 40

/** Nothing beneath: `FROM scratch`, and `COPY --link`. */
export const emptyView: BaseView = {
  kind: (path) => (path === '/' ? 'directory' : null),
  directory: () => null,
  real: (path) => posix.resolve('/', path),
}

/** The view of a mounted root. Every path is resolved beneath it by the kernel. */
export function mountedView(root: string): BaseView {
  const resolve = (path: string): string | null => {
    try {
      return resolveBeneath(root, path)
    } catch {
      return null
    }
  }
  const kind = (path: string): 'directory' | 'other' | null => {
    const found = resolve(path)
    if (found === null) return null
    const stats = lstatSync(found, { throwIfNoEntry: false })
    return stats === undefined ? null : stats.isDirectory() ? 'directory' : 'other'
  }
  const directory = (path: string): KeptDirectory | null => {
    const found = resolve(path)
    if (found === null) return null
    const { mode, uid, gid, mtimeMs } = lstatSync(found)
    return { mode: mode & 0o7777, uid, gid, mtimeMs, xattrs: keptXattrs(found) }
  }
  const real = (path: string, depth = 0): string => {
    const absolute = posix.resolve('/', path)
    if (absolute === '/') return absolute
    const found = resolve(absolute)
    if (found !== null) return found === root ? '/' : found.slice(root.length)
    const missing = posix.join(real(posix.dirname(absolute), depth), posix.basename(absolute))
    const target = depth < MAX_LINKS ? danglingTarget(`${root}${missing}`) : null
    return target === null ? missing : real(posix.resolve(posix.dirname(missing), target), depth + 1)
  }
  return { kind, directory, real: (path) => real(path) }
}

/** Where a link leads; null for what is none. What it is called with has no links on the way. */
function danglingTarget(path: string): string | null {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : null
}
