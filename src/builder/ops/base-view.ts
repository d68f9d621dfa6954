import { lstatSync } from 'node:fs'
import { posix } from 'node:path'
import { resolveBeneath } from '#kernel/paths.ts'

/** What is beneath a new layer: where its paths really lead. */
export interface BaseView {
  /** What stands at a path, links followed; null for nothing. */
  kind(path: string): 'directory' | 'other' | null
  /** The path with the links of its existing part followed, absolute in the image. */
  real(path: string): string
}

/** Nothing beneath: `FROM scratch`, and `COPY --link`. */
export const emptyView: BaseView = {
  kind: (path) => (path === '/' ? 'directory' : null),
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
  const real = (path: string): string => {
    const absolute = posix.resolve('/', path)
    if (absolute === '/') return absolute
    const found = resolve(absolute)
    if (found !== null) return found === root ? '/' : found.slice(root.length)
    return posix.join(real(posix.dirname(absolute)), posix.basename(absolute))
  }
  return { kind, real }
}
