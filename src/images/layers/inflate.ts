import type { Transform } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { releaseBytes } from '#base/release-bytes.ts'
import { InvalidArgumentError, WharfError, messageOf } from '#errors/errors.ts'
import type { LayerCompression } from './layers.ts'

const CHUNK_BYTES = 128 * 1024

/** How bytes are compressed. */
export type Wrapping = Exclude<LayerCompression, 'detect'>

/** Enough bytes to tell how others are compressed. */
const MAGIC_BYTES = 8
const MAGICS: readonly (readonly [string, Wrapping])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['425a68', 'bzip2'],
  ['fd377a585a00', 'xz'],
]

/**
 * Hands the uncompressed bytes of a source to `take`, piece by piece; a piece is only valid until
 * `take` is done with it, which it says by null or by a promise.
 * @throws InvalidArgumentError when the compressed bytes are damaged, cut short, or of a kind that is not supported.
 */
export async function inflate(
  source: AsyncIterable<Buffer>,
  compression: LayerCompression,
  take: (bytes: Buffer) => Promise<void> | null,
): Promise<void> {
  const { head, rest } = await peek(source, MAGIC_BYTES)
  const kind = compression === 'detect' ? detect(head) : compression
  if (kind === 'none') {
    for await (const bytes of rest) await take(bytes)
    return
  }
  if (kind === 'xz') {
    await inflateXz(rest, take)
    return
  }
  if (kind === 'bzip2') {
    const { bunzip } = await import('./bunzip.ts')
    for await (const bytes of bunzip(rest)) await take(bytes)
    return
  }
  const inflater =
    kind === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : createZstdDecompress({ chunkSize: CHUNK_BYTES })
  // Errors are seen by whoever waits for the bytes.
  inflater.on('error', () => {})
  let taking = false
  const feed = async (): Promise<void> => {
    // One piece at a time is inside: when the call is back, the source may use its buffer again.
    for await (const bytes of rest) await written(inflater, bytes)
    inflater.end()
  }
  const drain = async (): Promise<void> => {
    for await (const bytes of inflater as AsyncIterable<Buffer>) {
      taking = true
      await take(bytes)
      taking = false
      releaseBytes(bytes)
    }
  }
  const feeding = feed().catch((error: unknown) => {
    inflater.destroy(error instanceof Error ? error : new Error(String(error)))
    throw error
  })
  try {
    await Promise.all([feeding, drain()])
  } catch (error) {
    inflater.destroy()
    if (!taking && isInflateError(error)) {
      throw new InvalidArgumentError(`the ${kind} stream is damaged: ${messageOf(error)}`, { cause: error })
    }
    throw error
  }
}

/** The decoder is WebAssembly: four times slower than zlib, and loaded for the few archives that need it. */
async function inflateXz(
  source: AsyncIterable<Buffer>,
  take: (bytes: Buffer) => Promise<void> | null,
): Promise<void> {
  const { XzReadableStream } = (await import('xz-decompress')).default
  const packed = ReadableStream.from(copies(source)) as unknown as ConstructorParameters<
    typeof XzReadableStream
  >[0]
  const reader = new XzReadableStream(packed).getReader()
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        // Its errors have no code; those of the source are ours and pass.
        if (error instanceof WharfError || isAbort(error)) throw error
        throw new InvalidArgumentError(`the xz stream is damaged: ${messageOf(error)}`, { cause: error })
      })
      if (done) return
      await take(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function* copies(source: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) yield new Uint8Array(bytes)
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Writes and waits until the bytes were taken in. */
function written(inflater: Transform, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    inflater.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
}

/** Tells how bytes that begin like this are compressed. */
export function detect(head: Buffer): Wrapping {
  const hex = head.subarray(0, MAGIC_BYTES).toString('hex')
  // A zstd archive may begin with a frame for other eyes (RFC 8878, 3.1.2).
  if (/^5.2a4d18/.test(hex)) return 'zstd'
  return MAGICS.find(([magic]) => hex.startsWith(magic))?.[1] ?? 'none'
}

/** The first bytes of a stream, and all of it. */
export async function peek(
  source: AsyncIterable<Buffer>,
  bytes: number,
): Promise<{ readonly head: Buffer; readonly rest: AsyncIterable<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < bytes) {
    const { value, done } = await iterator.next()
    if (done === true) break
    head = Buffer.concat([head, value])
  }
  return { head, rest: chain(head, iterator) }
}

async function* chain(head: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

function isInflateError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB|ERR_STREAM_PREMATURE)/.test(code)
}
