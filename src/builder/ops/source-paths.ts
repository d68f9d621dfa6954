import { readdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { resolveBeneath } from '#kernel/paths.ts'
import { globToRegExp } from '../dockerfile/glob.ts'

/** The path of a source as an instruction names it, made relative to the root it is taken from; never leads out. */
export function cleanSource(path: string): string {
  return posix.resolve('/', path).slice(1)
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
    for (const parent of found) {
      if (!hasWildcard(segment)) {
        next.push(posix.join(parent, segment.replace(/\\(.)/g, '$1')))
        continue
      }
      const names = await readdir(resolveBeneath(root, parent)).catch(() => [])
      next.push(...names.filter((name) => expression.test(name)).map((name) => posix.join(parent, name)))
    }
    found = next
  }
  return found.sort()
}
