import { type BigIntStats, closeSync, constants, fstatSync, openSync } from 'node:fs'
import { type IdMap, ownerOnHost } from '#base/id-map.ts'
import { O_CLOEXEC, O_PATH, openIn } from '#kernel/paths.ts'
import type { SnapshotContents } from '../drivers/driver.ts'
import type { SnapshotChange } from '../snapshots.ts'
import type { Job } from '../worker/job.ts'
import { isOpaque, isWhiteout, recordOf } from './file-record.ts'
import { digestInto, openSink } from './ingest-job.ts'
import type { IngestResult, LayerFormat } from './layer-sink.ts'
import { OPAQUE_MARK, WHITEOUT_PREFIX } from './layer-tree.ts'
import { nameText } from './tar-entry.ts'
import { TarPacker } from './tar-pack.ts'
import { compareTrees } from './tree-compare.ts'
import { nameArgument } from './tree-remove.ts'
import { type TreeFile, orVanished, walkTree } from './tree-walk.ts'

/** Makes a layer of what a snapshot holds. */
export async function commit(
  parameters: {
    directory: string
    format: LayerFormat
    contents: SnapshotContents
    /** No file's time is later; null for times as they are. */
    latestSeconds: number | null
  },
  job: Job,
): Promise<IngestResult> {
  const sink = await openSink(parameters.directory, parameters.format)
  try {
    const result = await digestInto(
      sink,
      paced(packContents(parameters.contents, parameters.latestSeconds), job),
      'none',
    )
    await sink.finish()
    return result
  } finally {
    sink.close()
  }
}

/** Sends what a snapshot holds as a layer's tar. */
export async function changesTar(contents: SnapshotContents, job: Job): Promise<void> {
  for (const piece of packContents(contents)) await job.output(piece as Buffer<ArrayBuffer>)
}

/** Lists what a snapshot holds as `docker diff` does. */
export function changes(contents: SnapshotContents): Promise<SnapshotChange[]> {
  const found = contents.kind === 'tree' ? [...treeChanges(contents)] : upperChanges(contents)
  found.sort((a, b) => (a.path < b.path ? -1 : 1))
  return Promise.resolve(found)
}

/** The bytes of the files that a snapshot holds, each file once. */
export function usage(contents: SnapshotContents): Promise<number> {
  let bytes = 0n
  const seen = new Set<string>()
  for (const file of contents.kind === 'tree' ? changedFiles(contents) : walkPath(contents.upper)) {
    if (!file.stat.isFile()) continue
    const key = `${file.stat.dev}:${file.stat.ino}`
    if (file.stat.nlink > 1n && seen.has(key)) continue
    if (file.stat.nlink > 1n) seen.add(key)
    bytes += file.stat.size
  }
  return Promise.resolve(Number(bytes))
}

async function* paced(pieces: Iterable<Buffer>, job: Job): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    job.signal.throwIfAborted()
    yield piece
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function* packContents(contents: SnapshotContents, latestSeconds: number | null = null): Generator<Buffer> {
  const packer = new TarPacker(contents.ids, { latestSeconds })
  if (contents.kind === 'upper') yield* packUpper(packer, contents.upper)
  else yield* packTree(packer, contents)
  yield* packer.end()
}

function* packUpper(packer: TarPacker, upper: string): Generator<Buffer> {
  let marked = ''
  for (const file of walkPath(upper)) {
    if (isWhiteout(file.stat)) {
      yield* packer.addRecord(whiteoutRecord(file.path, file))
      continue
    }
    // fuse-overlayfs marks an opaque directory by this file too; it stands before all others in it.
    if (isOpaqueMark(file)) {
      if (file.path !== marked) yield* packer.addFile(file, file.path)
      continue
    }
    yield* packer.addFile(file, file.path)
    if (file.stat.isDirectory() && isOpaque(file.at)) {
      marked = `${file.path}/${OPAQUE_MARK}`
      yield* packer.addRecord({ ...recordOf(file, `${file.path}/${OPAQUE_MARK}`), mode: 0o600, xattrs: null })
    }
  }
}

function* packTree(packer: TarPacker, contents: SnapshotContents & { kind: 'tree' }): Generator<Buffer> {
  for (const difference of compareTrees(contents.tree, contents.layers, contents.ids)) {
    if (difference.file !== null) yield* packer.addFile(difference.file, difference.path)
    else yield* packer.addRecord(whiteoutRecord(difference.path, null))
  }
}

function isOpaqueMark(file: TreeFile): boolean {
  return file.path === OPAQUE_MARK || file.path.endsWith(`/${OPAQUE_MARK}`)
}

function whiteoutRecord(path: string, file: TreeFile | null): Parameters<TarPacker['addRecord']>[0] {
  const slash = path.lastIndexOf('/')
  const name = `${path.slice(0, slash + 1)}${WHITEOUT_PREFIX}${path.slice(slash + 1)}`
  return {
    type: 'file',
    name,
    linkName: '',
    mode: 0o600,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeSeconds: file === null ? 0 : Number(file.stat.mtimeNs / 1_000_000_000n),
    mtimeNanos: 0,
    devMajor: 0,
    devMinor: 0,
    xattrs: null,
  }
}

function upperChanges(contents: SnapshotContents & { kind: 'upper' }): SnapshotChange[] {
  const found = new Map<string, SnapshotChange['kind']>()
  const lowerFd = openSync(contents.lower ?? contents.upper, O_PATH | constants.O_DIRECTORY | O_CLOEXEC)
  try {
    for (const file of walkPath(contents.upper)) {
      if (isOpaqueMark(file)) continue
      const below = contents.lower === null ? null : findIn(lowerFd, file.path)
      if (isWhiteout(file.stat)) {
        if (below !== null) note(found, file.path, 'delete')
      } else if (below === null) {
        note(found, file.path, 'add')
      } else if (!isSameDirectory(file.stat, below, contents.ids)) {
        note(found, file.path, 'modify')
      }
    }
  } finally {
    closeSync(lowerFd)
  }
  return [...found].map(([path, kind]) => ({ path: `/${nameText(path)}`, kind }))
}

/** A change makes the directories above it changed ones too: so does Docker. */
function note(found: Map<string, SnapshotChange['kind']>, path: string, kind: SnapshotChange['kind']): void {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const parent = path.slice(0, slash)
    if (!found.has(parent)) found.set(parent, 'modify')
  }
  found.set(path, kind)
}

/** A directory is copied up for what is in it; itself it may be as it was. */
function isSameDirectory(upper: BigIntStats, lower: BigIntStats, ids: IdMap | null): boolean {
  const { uid, gid } = ownerOnHost(ids, { uid: Number(lower.uid), gid: Number(lower.gid) })
  return (
    upper.isDirectory() &&
    lower.isDirectory() &&
    upper.mode === lower.mode &&
    Number(upper.uid) === uid &&
    Number(upper.gid) === gid &&
    upper.mtimeNs === lower.mtimeNs
  )
}

function findIn(rootFd: number, path: string): BigIntStats | null {
  return orVanished(() => {
    const fd = openIn(rootFd, nameArgument(path), { flags: O_PATH | constants.O_NOFOLLOW, noSymlinks: false })
    try {
      return fstatSync(fd, { bigint: true })
    } finally {
      closeSync(fd)
    }
  })
}

function* treeChanges(contents: SnapshotContents & { kind: 'tree' }): Generator<SnapshotChange> {
  for (const { path, kind } of compareTrees(contents.tree, contents.layers, contents.ids))
    yield { path: `/${nameText(path)}`, kind }
}

function* changedFiles(contents: SnapshotContents & { kind: 'tree' }): Generator<TreeFile> {
  for (const { file } of compareTrees(contents.tree, contents.layers, contents.ids))
    if (file !== null) yield file
}

function* walkPath(path: string): Generator<TreeFile> {
  const fd = openSync(path, 'r')
  try {
    yield* walkTree(fd)
  } finally {
    closeSync(fd)
  }
}
