import { readdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { findBeneath, resolveBeneath } from '#kernel/paths.ts'
import { globToRegExp } from '../dockerfile/glob.ts'

/** The path of a source as an instruction names it, made relative to the root it is taken from; never leads out. */
export function cleanSource(path: string): string {
  return posix.resolve('/', path).slice(1)
}

/**
 * Where a source of `COPY --parents` has its pivot: the part of the path before the first `/./`, which is not kept.
 * Empty for a source without one.
 */
export function pivotOf(path: string): string {
  const at = path.indexOf('/./', path.startsWith('./') ? 1 : 0)
  return at < 0 ? '' : cleanSource(path.slice(0, at))
}

/** Tells whether a source has a wildcard (Go's filepath.Match). */
export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path.replace(/\\./g, ''))
}

/**
 * The paths beneath `root` that match a pattern, segment by segment, sorted. Links in the middle of a path are
 * followed by the kernel inside of `root` only.
 */
export async function matchPaths(root: string, pattern: string): Promise<string[]> {
  let found = ['']
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    const next: string[] = []
    const expression = globToRegExp(segment, { separator: '/' })
    if (segment === '**') {
      found = await everyDirectory(root, found)
      continue
    }
    for (const parent of found) {
      if (!hasWildcard(segment)) {
        const path = posix.join(parent, segment.replace(/\\(.)/g, '$1'))
        if (findBeneath(root, path) !== null) next.push(path)
        continue
      }
      const names = await readdir(resolveBeneath(root, parent)).catch(() => [])
      next.push(...names.filter((name) => expression.test(name)).map((name) => posix.join(parent, name)))
    }
    found = next
  }
  return found.sort()
}

/** These directories and all below them. Links are not followed. */
async function everyDirectory(root: string, parents: readonly string[]): Promise<string[]> {
  const found: string[] = []
  const left = [...parents]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    found.push(next)
    const entries = await readdir(resolveBeneath(root, next), { withFileTypes: true }).catch(() => [])
    for (const entry of entries) if (entry.isDirectory()) left.push(posix.join(next, entry.name))
  }
  return found
}
