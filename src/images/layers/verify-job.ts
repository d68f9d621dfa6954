import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { DataLossError, messageOf } from '#errors/errors.ts'
import type { Job } from '../worker/job.ts'
import { TAR_START, writeErofsIndex } from './erofs-index.ts'
import { type PlacedPiece, placeSparseFiles } from './erofs-sparse.ts'
import { EROFS_FILE } from './erofs-sink.ts'
import type { LayerFormat } from './layer-sink.ts'
import { LayerTree } from './layer-tree.ts'
import { readTarCopy } from './tar-copy.ts'
import { TarParser } from './tar-parser.ts'

/** What is wrong with a layer, or null. `tar` is the worse: without it the index cannot be made again. */
export interface LayerFault {
  readonly part: 'tar' | 'index'
  readonly detail: string
}

const PIECE_BYTES = 256 * 1024

/** Reads a layer as it is stored, digests its tar and makes its index again to compare it with the one on disk. */
export async function verifyLayer(
  parameters: {
    readonly directory: string
    readonly format: LayerFormat
    readonly diffId: string
    readonly tarBytes: number
  },
  job: Job,
): Promise<LayerFault | null> {
  try {
    if (parameters.format === 'erofs') await verifyErofs(parameters, job)
    else await verifyCopy(parameters, job)
    return null
  } catch (error) {
    job.signal.throwIfAborted()
    const part = error instanceof IndexFault ? 'index' : 'tar'
    return { part, detail: messageOf(error) }
  }
}

class IndexFault extends DataLossError {}

async function verifyErofs(
  parameters: { directory: string; diffId: string; tarBytes: number },
  job: Job,
): Promise<void> {
  const fd = openSync(join(parameters.directory, EROFS_FILE), 'r')
  try {
    const tree = new LayerTree()
    const parser = new TarParser({ entry: (entry) => tree.add(entry) })
    const hash = createHash('sha256')
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let at = 0; at < parameters.tarBytes;) {
      const bytes = readSync(fd, piece, 0, Math.min(PIECE_BYTES, parameters.tarBytes - at), TAR_START + at)
      if (bytes === 0) throw new DataLossError('the file is too short')
      hash.update(piece.subarray(0, bytes))
      parser.push(piece.subarray(0, bytes))
      at += bytes
      await new Promise((resolve) => setImmediate(resolve))
      job.signal.throwIfAborted()
    }
    compareDigest(hash.digest('hex'), parameters.diffId)
    parser.finish()
    const { dataBytes, pieces } = placeSparseFiles(tree, parameters.tarBytes)
    for (const placed of pieces) comparePiece(fd, placed)
    const fileBytes = writeErofsIndex(tree, dataBytes, (expected, offset) => {
      const found = Buffer.alloc(expected.length)
      readSync(fd, found, 0, found.length, offset)
      if (!found.equals(expected)) throw new IndexFault(`the index differs at byte ${offset}`)
    })
    if (fstatSync(fd).size !== fileBytes) throw new IndexFault(`the file has not ${fileBytes} bytes`)
  } finally {
    closeSync(fd)
  }
}

/** A sparse file's pieces are in the file twice: in the tar, and where the index points to. */
function comparePiece(fd: number, { from, to, bytes }: PlacedPiece): void {
  const [expected, found] = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)]
  for (let done = 0; done < bytes; done += PIECE_BYTES) {
    const take = Math.min(PIECE_BYTES, bytes - done)
    readSync(fd, expected, 0, take, TAR_START + from + done)
    readSync(fd, found, 0, take, TAR_START + to + done)
    if (!expected.equals(found))
      throw new IndexFault(`a sparse file differs at byte ${TAR_START + to + done}`)
  }
}

async function verifyCopy(parameters: { directory: string; diffId: string }, job: Job): Promise<void> {
  const hash = createHash('sha256')
  for await (const bytes of readTarCopy(parameters.directory) as AsyncIterable<Buffer>) {
    job.signal.throwIfAborted()
    hash.update(bytes)
  }
  compareDigest(hash.digest('hex'), parameters.diffId)
}

function compareDigest(hex: string, diffId: string): void {
  if (diffId !== `sha256:${hex}`) throw new DataLossError(`the tar has digest sha256:${hex}`)
}

/** The digest of a whole file. */
export async function digestFile({ path }: { readonly path: string }, job: Job): Promise<string> {
  const fd = openSync(path, 'r')
  try {
    const hash = createHash('sha256')
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let bytes = readSync(fd, piece); bytes > 0; bytes = readSync(fd, piece)) {
      hash.update(piece.subarray(0, bytes))
      await new Promise((resolve) => setImmediate(resolve))
      job.signal.throwIfAborted()
    }
    return `sha256:${hash.digest('hex')}`
  } finally {
    closeSync(fd)
  }
}
