import { type BigIntStats, closeSync, openSync } from 'node:fs'
import { type IdMap, ownerOnHost } from '#base/id-map.ts'
import { isOpaque, isWhiteout } from './file-record.ts'
import { type TreeFile, walkTree } from './tree-walk.ts'

/** One difference of a tree to what it was copied from. */
export interface TreeDifference {
  /** Bytes (latin1), no leading slash. */
  readonly path: string
  readonly kind: 'add' | 'modify' | 'delete'
  /** The file as it is now, good until the next difference; null when it is gone. */
  readonly file: TreeFile | null
}

/**
 * Compares a tree with the stack of layer directories (overlayfs' form, lowest first) that it was copied from.
 * A file counts as changed when its type, permissions, owner, size, modification time or device differ. Directories
 * above a difference are reported as modified. Deletions come last.
 * @param ids what the layers' ids became in the copy
 */
export function* compareTrees(
  tree: string,
  layers: readonly string[],
  ids: IdMap | null = null,
): Generator<TreeDifference> {
  const before = mergedFiles(layers)
  const isChanged = changedPaths(tree, before, ids)
  for (const file of walkDirectory(tree)) {
    const kind = isChanged.get(file.path)
    if (kind !== undefined) yield { path: file.path, kind, file }
  }
  for (const [path, kind] of isChanged) if (kind === 'delete') yield { path, kind, file: null }
}

function changedPaths(
  tree: string,
  before: Map<string, BigIntStats>,
  ids: IdMap | null,
): Map<string, TreeDifference['kind']> {
  const changed = new Map<string, TreeDifference['kind']>()
  const seen = new Set<string>()
  const directories = new Set<string>()
  const note = (path: string, kind: TreeDifference['kind']): void => {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash)
      if (!changed.has(parent)) changed.set(parent, 'modify')
    }
    changed.set(path, kind)
  }
  for (const { path, stat } of walkDirectory(tree)) {
    seen.add(path)
    if (stat.isDirectory()) directories.add(path)
    const old = before.get(path)
    if (old === undefined) note(path, 'add')
    else if (!isSame(stat, old, ids)) note(path, 'modify')
  }
  for (const path of before.keys()) {
    if (seen.has(path)) continue
    const slash = path.lastIndexOf('/')
    // What is in a directory that is gone needs no word of its own.
    if (slash === -1 || directories.has(path.slice(0, slash))) note(path, 'delete')
  }
  return changed
}

function isSame(now: BigIntStats, before: BigIntStats, ids: IdMap | null): boolean {
  const { uid, gid } = ownerOnHost(ids, { uid: Number(before.uid), gid: Number(before.gid) })
  if (now.mode !== before.mode || Number(now.uid) !== uid || Number(now.gid) !== gid) return false
  if (now.isDirectory()) return now.mtimeNs === before.mtimeNs
  return now.size === before.size && now.rdev === before.rdev && now.mtimeNs === before.mtimeNs
}

/** What a stack of layers shows: the top one wins, whiteouts hide. */
function mergedFiles(layers: readonly string[]): Map<string, BigIntStats> {
  const files = new Map<string, BigIntStats>()
  for (const layer of layers) {
    for (const file of walkDirectory(layer)) {
      const hides = isWhiteout(file.stat) || !file.stat.isDirectory() || isOpaque(file.at)
      if (hides && files.get(file.path)?.isDirectory() === true) forgetBelow(files, file.path)
      if (isWhiteout(file.stat)) files.delete(file.path)
      else files.set(file.path, file.stat)
    }
  }
  return files
}

function forgetBelow(files: Map<string, BigIntStats>, directory: string): void {
  for (const path of files.keys()) if (path.startsWith(`${directory}/`)) files.delete(path)
}

function* walkDirectory(path: string): Generator<TreeFile> {
  const fd = openSync(path, 'r')
  try {
    yield* walkTree(fd)
  } finally {
    closeSync(fd)
  }
}
