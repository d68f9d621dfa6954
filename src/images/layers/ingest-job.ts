import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
import type { Digest } from '#base/digest.ts'
import type { Job } from '../worker/job.ts'
import { ErofsSink } from './erofs-sink.ts'
import { ExpansionGuard } from './expansion-guard.ts'
import { inflate } from './inflate.ts'
import type { IngestResult, LayerFormat, LayerSink } from './layer-sink.ts'
import type { LayerCompression } from './layers.ts'
import { TarParser } from './tar-parser.ts'

export interface IngestParameters {
  /** The directory, empty, that becomes the layer's. */
  readonly directory: string
  readonly format: LayerFormat
  readonly compression: LayerCompression
  /** The file to read; null when bytes come by the channel. */
  readonly fd: number | null
  readonly isGrowing: boolean
}

const READ_BYTES = 256 * 1024
const PROGRESS_BYTES = 512 * 1024

/** Reads, inflates, digests, parses and writes one layer. */
export async function ingest(parameters: IngestParameters, job: Job): Promise<IngestResult> {
  const sink = await openSink(parameters.directory, parameters.format)
  try {
    const source = parameters.fd === null ? job.input() : fileChunks(parameters.fd, parameters.isGrowing, job)
    const result = await digestInto(sink, source, parameters.compression)
    await sink.finish()
    return result
  } finally {
    sink.close()
  }
}

/** Opens what the files of a layer are written by. */
export async function openSink(directory: string, format: LayerFormat): Promise<LayerSink> {
  if (format === 'erofs') return new ErofsSink(directory)
  const { DirectorySink } = await import('./directory-sink.ts')
  return new DirectorySink(directory)
}

/** Writes the tar that a source gives into a sink. */
export async function digestInto(
  sink: LayerSink,
  source: AsyncIterable<Buffer>,
  compression: LayerCompression,
): Promise<IngestResult> {
  const hash = createHash('sha256')
  const guard = new ExpansionGuard()
  let sizeBytes = 0
  let tarBytes = 0
  const parser = new TarParser({
    entry: (entry) => {
      sizeBytes += entry.sizeBytes
      sink.entry(entry)
    },
    data: (bytes) => sink.data(bytes),
    hole: (bytes) => sink.hole(bytes),
    entryEnd: () => sink.entryEnd(),
  })
  await inflate(counted(source, guard), compression, (bytes) => {
    guard.inflated(bytes)
    hash.update(bytes)
    tarBytes += bytes.length
    const written = sink.tar(bytes)
    parser.push(bytes)
    return written
  })
  parser.finish()
  return { diffId: `sha256:${hash.digest('hex')}` as Digest, sizeBytes, tarBytes }
}

async function* counted(source: AsyncIterable<Buffer>, guard: ExpansionGuard): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    guard.read(bytes.length)
    yield bytes
  }
}

async function* fileChunks(fd: number, isGrowing: boolean, job: Job): AsyncGenerator<Buffer> {
  // Whoever asks for the next piece is done with the last one.
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  let at = 0
  let told = 0
  for (;;) {
    job.signal.throwIfAborted()
    const limit = isGrowing ? (await job.growth(at)).writtenBytes : Infinity
    const bytes = readSync(fd, buffer, 0, Math.min(READ_BYTES, limit - at), at)
    if (bytes === 0) return
    at += bytes
    if (at - told >= PROGRESS_BYTES) {
      told = at
      job.post({ type: 'progress', bytes: at })
    }
    yield buffer.subarray(0, bytes)
    // Gives the other jobs of this thread their turn, and aborts theirs.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
