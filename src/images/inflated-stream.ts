import { pipeline, Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'

/** How a file is wrapped, by its first bytes. */
export type Wrapping = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2'

/** Enough bytes to tell any wrapping. */
const MAGIC_BYTES = 6
const MAGICS: readonly (readonly [Wrapping, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
]

export function wrappingOf(head: Uint8Array): Wrapping {
  return MAGICS.find(([, magic]) => magic.every((byte, index) => head[index] === byte))?.[0] ?? 'none'
}

/**
 * The bytes of a stream, unwrapped if they are wrapped. Fails with InvalidArgumentError when they are corrupt or
 * wrapped in a way that Wharf does not read (bzip2).
 */
export async function inflatedStream(source: AsyncIterable<Uint8Array>): Promise<Readable> {
  const { head, all } = await peek(source, MAGIC_BYTES)
  const wrapping = wrappingOf(head)
  switch (wrapping) {
    case 'none':
      return Readable.from(all, { objectMode: false })
    case 'gzip':
      return readable(pipeline(all, createGunzip(), () => {}))
    case 'zstd':
      return readable(pipeline(all, createZstdDecompress(), () => {}))
    case 'xz': {
      const { XzReadableStream } = (await import('xz-decompress')).default
      const wrapped = ReadableStream.from(all) as unknown as ConstructorParameters<typeof XzReadableStream>[0]
      return readable(new XzReadableStream(wrapped) as unknown as AsyncIterable<Uint8Array>)
    }
    case 'bzip2':
      throw new InvalidArgumentError('bzip2 archives are not supported: use gzip, zstd or xz')
  }
}

/** The first bytes of a stream, and all of it. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ readonly head: Buffer; readonly all: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < bytes) {
    const next = await iterator.next()
    if (next.done === true) break
    chunks.push(next.value)
    length += next.value.byteLength
  }
  const head = Buffer.concat(chunks)
  const all = (async function* () {
    try {
      if (head.byteLength > 0) yield head
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value
    } finally {
      await iterator.return?.()
    }
  })()
  return { head, all }
}

function readable(inflated: AsyncIterable<Uint8Array>): Readable {
  const checked = (async function* () {
    try {
      for await (const chunk of inflated) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    } catch (error) {
      throw new InvalidArgumentError(`invalid compressed archive: ${messageOf(error)}`, { cause: error })
    }
  })()
  return Readable.from(checked, { objectMode: false })
}
