import { type Stats, lstatSync, rmdirSync, statSync, unlinkSync, utimesSync } from 'node:fs'
import { posix } from 'node:path'
import { errnoOf } from '#errors/errors.ts'
import { resolveBeneath } from '#kernel/paths.ts'

/** A path that does not exist before a container runs, and will because something is mounted there. */
export interface MountStub {
  readonly path: string
  /** The directory that gets it, as it was. */
  readonly parent: { readonly path: string; readonly stats: Stats } | null
}

/** The paths that the OCI runtime will make so that the targets can be mounted, parents first. */
export function findStubs(root: string, targets: readonly string[]): readonly MountStub[] {
  const stubs = new Map<string, MountStub>()
  for (const target of targets) {
    let parent = '/'
    for (const name of posix
      .normalize(target)
      .split('/')
      .filter((part) => part !== '')) {
      const path = posix.join(parent, name)
      if (!stubs.has(path) && lookUp(root, path) === null) {
        const stats = lookUp(root, parent)
        stubs.set(path, { path, parent: stats === null ? null : { path: parent, stats } })
      }
      parent = path
    }
  }
  return [...stubs.values()]
}

/** Removes those that are still empty: a layer shall hold what the command did, not where things were mounted. */
export function removeStubs(root: string, stubs: readonly MountStub[]): void {
  for (const { path, parent } of stubs.toReversed()) {
    const stats = lookUp(root, path)
    if (stats === null) continue
    const found = resolveBeneath(root, path)
    try {
      if (stats.isDirectory()) rmdirSync(found)
      else if (stats.isFile() && stats.size === 0) unlinkSync(found)
      else continue
    } catch (error) {
      // The command has put something there itself.
      if (errnoOf(error) !== 'ENOTEMPTY') throw error
      continue
    }
    if (parent !== null) utimesSync(resolveBeneath(root, parent.path), parent.stats.atime, parent.stats.mtime)
  }
}

function lookUp(root: string, path: string): Stats | null {
  try {
    const found = resolveBeneath(root, path)
    lstatSync(found)
    return statSync(found)
  } catch {
    return null
  }
}
