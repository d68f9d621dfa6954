import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { digestOf, isDigest, type Digest } from '#base/digest.ts'
import { DataLossError, InvalidArgumentError, messageOf, WharfError } from '#errors/errors.ts'
import { OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '#spec/oci/image.ts'
import { MAX_CONFIG_BYTES } from '#spec/oci/parse.ts'
import type { ImageContent } from './image-content.ts'
import { type Wrapping, detect, peek } from './layers/inflate.ts'

/** What an image archive held, read in one pass: small documents, and layers that are stored already. */
export interface ArchiveContents {
  readonly documents: ReadonlyMap<string, Buffer>
  /** By path: the layer's diffId. */
  readonly layers: ReadonlyMap<string, Digest>
}

interface ReadOptions {
  readonly signal: AbortSignal
  onLayer(layer: { readonly path: string; readonly currentBytes: number; readonly totalBytes: number }): void
}

/** Documents are kept in memory until the end; more than this is no image. */
const MAX_DOCUMENTS_BYTES = 64 * 1024 * 1024
const MAX_ENTRIES = 100_000
/** A tar says what it is in its first block. */
const TAR_BLOCK = 512

/**
 * Reads an archive as `docker save` and OCI tools write them. Layers are stored as they come by, compressed blobs too.
 * Nothing is written by a path of the archive.
 * @throws InvalidArgumentError when it is no such archive; DataLossError when a blob is not what its name says.
 */
export async function readArchive(
  content: ImageContent,
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): Promise<ArchiveContents> {
  const reader = new ArchiveReader(content, options)
  const tar = await uncompressed(content, source, options)
  const parser = extract()
  tar.on('error', (error) => parser.destroy(error))
  tar.pipe(parser)
  try {
    for await (const entry of parser) {
      options.signal.throwIfAborted()
      await reader.entry(entry.header, entry as unknown as AsyncIterable<Buffer>)
      entry.resume()
    }
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof WharfError || !(error instanceof Error)) throw error
    throw new InvalidArgumentError(`invalid archive: ${messageOf(error)}`, { cause: error })
  } finally {
    tar.destroy()
  }
  return reader.contents()
}

/** The tar itself. One that is not compressed needs no detour by a worker thread. */
async function uncompressed(
  content: ImageContent,
  source: AsyncIterable<Uint8Array>,
  options: Pick<ReadOptions, 'signal'>,
): Promise<Readable> {
  const { head, rest } = await peek(source as AsyncIterable<Buffer>, TAR_BLOCK)
  if (detect(head) === 'none') return Readable.from(rest, { objectMode: false })
  return content.layers.inflated(rest, { signal: options.signal })
}

class ArchiveReader {
  readonly #content: ImageContent
  readonly #options: ReadOptions
  readonly #documents = new Map<string, Buffer>()
  readonly #layers = new Map<string, Digest>()
  readonly #links = new Map<string, string>()
  #documentBytes = 0
  #entries = 0

  constructor(content: ImageContent, options: ReadOptions) {
    this.#content = content
    this.#options = options
  }

  async entry(
    header: {
      readonly name: string
      readonly type?: string | null
      readonly size?: number
      readonly linkname?: string | null
    },
    body: AsyncIterable<Buffer>,
  ): Promise<void> {
    this.#entries += 1
    if (this.#entries > MAX_ENTRIES)
      throw new InvalidArgumentError(`archive has more than ${MAX_ENTRIES} entries`)
    const path = plainPath(header.name)
    if ((header.type === 'symlink' || header.type === 'link') && header.linkname != null) {
      const base = header.type === 'symlink' ? posix.dirname(path) : '.'
      this.#links.set(path, plainPath(posix.join(base, header.linkname)))
      return
    }
    if (header.type !== 'file' && header.type !== 'contiguous-file') return
    const sizeBytes = header.size ?? 0
    const { head, rest } = await peek(body, Math.min(TAR_BLOCK, sizeBytes))
    const wrapping = detect(head)
    if (wrapping !== 'none' || isTar(head, sizeBytes))
      await this.#layer(path, { all: rest, wrapping, sizeBytes })
    else if (sizeBytes <= MAX_CONFIG_BYTES) await this.#document(path, rest)
    else throw new InvalidArgumentError(`"${path}" is neither a layer nor a document of an image`)
  }

  async #document(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const chunks: Uint8Array[] = []
    for await (const chunk of body) {
      this.#documentBytes += chunk.byteLength
      if (this.#documentBytes > MAX_DOCUMENTS_BYTES)
        throw new InvalidArgumentError('archive has too many documents')
      chunks.push(chunk)
    }
    const bytes = Buffer.concat(chunks)
    const digest = digestOfPath(path)
    if (digest !== null && digestOf(bytes) !== digest)
      throw new DataLossError(`blob ${digest} is not what its name says`)
    this.#documents.set(path, bytes)
  }

  async #layer(
    path: string,
    entry: { all: AsyncIterable<Uint8Array>; wrapping: Wrapping; sizeBytes: number },
  ): Promise<void> {
    const { layers, layerBlobs, blobs } = this.#content
    const named = digestOfPath(path)
    const known = named === null ? null : entry.wrapping === 'none' ? named : layerBlobs.diffIdOf(named)
    const isHere =
      known !== null &&
      layers.has(known) &&
      (entry.wrapping === 'none' || (named !== null && blobs.has(named)))
    if (isHere && known !== null) {
      this.#layers.set(path, known)
      return
    }
    const counted = this.#counted(path, entry)
    if (entry.wrapping === 'gzip' || entry.wrapping === 'zstd') {
      this.#layers.set(path, await this.#storeBlob(counted, { named, wrapping: entry.wrapping }))
      return
    }
    const { signal } = this.#options
    const expected = entry.wrapping === 'none' && named !== null ? { expectedDiffId: named } : {}
    const compression = entry.wrapping
    const { diffId } = await layers.ingest({ stream: counted }, { compression, signal, ...expected })
    this.#layers.set(path, diffId)
  }

  async #storeBlob(
    stream: AsyncIterable<Uint8Array>,
    options: { readonly named: Digest | null; readonly wrapping: 'gzip' | 'zstd' },
  ): Promise<Digest> {
    const { blobs, layers, layerBlobs } = this.#content
    const { signal } = this.#options
    await using writer = await blobs.writer(signal)
    const unpacked = layers.ingest({ blob: writer }, { compression: options.wrapping, signal })
    let failure: unknown = null
    unpacked.catch((error: unknown) => {
      failure = error
    })
    for await (const chunk of stream) {
      if (failure !== null) throw failure
      await writer.write(chunk)
    }
    const blob = await writer.commit(options.named === null ? {} : { digest: options.named })
    const { diffId } = await unpacked
    const mediaType = options.wrapping === 'gzip' ? OCI_LAYER_GZIP : OCI_LAYER_ZSTD
    layerBlobs.put({ mediaType, digest: blob.digest, size: blob.sizeBytes }, diffId)
    return diffId
  }

  async *#counted(
    path: string,
    entry: { all: AsyncIterable<Uint8Array>; sizeBytes: number },
  ): AsyncGenerator<Uint8Array> {
    let currentBytes = 0
    for await (const chunk of entry.all) {
      currentBytes += chunk.byteLength
      this.#options.onLayer({ path, currentBytes, totalBytes: entry.sizeBytes })
      yield chunk
    }
  }

  contents(): ArchiveContents {
    for (const [path, target] of this.#links) {
      const layer = this.#layers.get(target)
      const document = this.#documents.get(target)
      if (layer !== undefined) this.#layers.set(path, layer)
      else if (document !== undefined) this.#documents.set(path, document)
    }
    return { documents: this.#documents, layers: this.#layers }
  }
}

/** A path as a key: `./a//b/` and `a/b` are the same, and none leads anywhere. */
export function plainPath(name: string): string {
  return posix.normalize(`/${name}`).replace(/^\/+/, '').replace(/\/$/, '')
}

/** The digest that a path of an OCI layout promises. */
function digestOfPath(path: string): Digest | null {
  const match = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)
  const digest = `sha256:${match?.[1] ?? ''}`
  return isDigest(digest) ? digest : null
}

/** A tar has its magic in the first block; an empty one is all zeros. */
function isTar(head: Buffer, sizeBytes: number): boolean {
  if (sizeBytes < TAR_BLOCK || sizeBytes % TAR_BLOCK !== 0 || head.byteLength < TAR_BLOCK) return false
  const block = head.subarray(0, TAR_BLOCK)
  return (
    block.toString('latin1', 257, 262) === 'ustar' ||
    block.every((byte) => byte === 0) ||
    hasOldChecksum(block)
  )
}

/** Before POSIX a tar header had no magic, only its checksum (tar(5), "Old-Style Archive Format"). */
function hasOldChecksum(block: Buffer): boolean {
  const stated = Number.parseInt(block.toString('latin1', 148, 156).replaceAll('\0', ' ').trim(), 8)
  let sum = 0
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 32 : byte
  return stated === sum
}
