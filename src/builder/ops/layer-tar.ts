import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { ConflictError } from '#errors/errors.ts'
import { packEntry, paddingOf, TAR_END, type TarRecord } from '#images/layers/tar-writer.ts'
import type { PlacedFile } from './placement.ts'

const READ_BYTES = 256 * 1024

/** Writes placed files as the tar of a layer. `clampMs` is SOURCE_DATE_EPOCH: no time is later than it. */
export function layerTar(
  files: readonly PlacedFile[],
  options: { readonly clampMs: number | null; readonly signal: AbortSignal },
): Readable {
  return Readable.from(pieces(files, options), { objectMode: false })
}

async function* pieces(
  files: readonly PlacedFile[],
  options: { readonly clampMs: number | null; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  /** What was written first of each file with several names: the others are links to it. */
  const firsts = new Map<string, string>()
  for (const file of files) {
    const record = recordOf(file, options.clampMs)
    const first = file.inode === null ? undefined : firsts.get(file.inode)
    if (first !== undefined) {
      yield packEntry({ ...record, type: 'hardlink', sizeBytes: 0, linkName: first, xattrs: null })
      continue
    }
    if (file.inode !== null) firsts.set(file.inode, record.name)
    yield packEntry(record)
    if (file.type === 'file') yield* content(file, options.signal)
  }
  yield TAR_END
}

/** The content of a file up to the end of its last block. @throws ConflictError when it is no longer as long as it was */
async function* content(file: PlacedFile, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (file.path === null) yield Buffer.from(file.text)
  else if (file.sizeBytes > 0) {
    let seenBytes = 0
    for await (const chunk of createReadStream(file.path, { highWaterMark: READ_BYTES, signal })) {
      seenBytes += (chunk as Buffer).length
      yield chunk as Buffer
    }
    if (seenBytes !== file.sizeBytes)
      throw new ConflictError(`${file.target} changed while it was copied: build again`)
  }
  if (paddingOf(file.sizeBytes) > 0) yield Buffer.alloc(paddingOf(file.sizeBytes))
}

function recordOf(file: PlacedFile, clampMs: number | null): TarRecord {
  const mtimeMs = clampMs === null ? file.mtimeMs : Math.min(file.mtimeMs, clampMs)
  const { type, mode, uid, gid, devMajor, devMinor, xattrs } = file
  return {
    type,
    name: bytes(file.target.slice(1) + (type === 'directory' ? '/' : '')),
    linkName: type === 'symlink' ? bytes(file.text) : '',
    ...{ mode, uid, gid, devMajor, devMinor, xattrs },
    sizeBytes: type === 'file' ? file.sizeBytes : 0,
    mtimeSeconds: Math.floor(mtimeMs / 1000),
    mtimeNanos: 0,
  }
}

/** Names of a tar are bytes, one character for each. */
function bytes(name: string): string {
  return Buffer.from(name).toString('latin1')
}
