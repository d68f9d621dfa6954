import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import type { BlobWriter } from '#store/blobs.ts'

/** How a layer's tar is wrapped on its way in. `detect` looks at the first bytes (gzip, zstd, xz, bzip2, else plain tar). */
export type LayerCompression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'detect'

/**
 * Where a layer's bytes come from: a whole file, any stream of bytes, or a blob that is still being written (the
 * layer is made while it arrives; the caller calls `end()` or `commit()` on the writer when all has come).
 */
export type LayerSource =
  { readonly path: string } | { readonly stream: AsyncIterable<Uint8Array> } | { readonly blob: BlobWriter }

export interface IngestOptions {
  /** Default `detect`. */
  readonly compression?: LayerCompression
  /** The diffId the image configuration promises; another one is DataLossError and nothing is kept. */
  readonly expectedDiffId?: Digest
  readonly signal?: AbortSignal
  /** Told now and then how many bytes of the source were read. */
  onProgress?(readBytes: number): void
}

/** A layer that is stored and ready to be mounted. */
export interface LayerRecord {
  /** The digest of the uncompressed tar. */
  readonly diffId: Digest
  /** What Docker calls a layer's size: the sum of the sizes of its regular files. */
  readonly sizeBytes: number
  /** The length of the uncompressed tar. */
  readonly tarBytes: number
}

/**
 * File-system layers by diffId, each stored once however many images use it. Nothing here counts references: what
 * no image, snapshot or lease names is removed by the garbage collection (docs/dev/garbage-collection.md), so work
 * that ingests or relies on a layer holds a lease on its diffId first, or on the digest `ingest` gives.
 */
export interface Layers {
  /**
   * Stores a layer in one pass: inflate, digest, parse and write happen on a worker thread, a few layers at once;
   * more wait their turn. On success the layer is durable and `has` says so. Storing a layer that exists succeeds.
   * On any failure nothing is left behind.
   * @throws InvalidArgumentError when the bytes are no layer (corrupt archive or compression, entries outside the
   * root, names that no file system can hold); DataLossError when `expectedDiffId` differs;
   * KernelError (ENOSPC, EIO); the signal's reason.
   */
  ingest(source: LayerSource, options?: IngestOptions): Promise<LayerRecord>
  /**
   * The bytes of a stream, uncompressed, whatever they are compressed with.
   * It fails with InvalidArgumentError when they are damaged.
   */
  inflated(source: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Readable
  has(diffId: Digest): boolean
  /** @throws NotFoundError */
  get(diffId: Digest): LayerRecord
  list(): readonly LayerRecord[]
  /** The uncompressed tar, byte for byte as it was ingested. @throws NotFoundError */
  tar(diffId: Digest): Readable
  /** The entries of the layer's tar, in its order, as lines of JSON (`LayerFile`). @throws NotFoundError */
  files(diffId: Digest, options?: { signal?: AbortSignal }): Readable
  /** Removes a layer, mounted or not. Idempotent. The caller knows that nobody needs it (garbage collection does). */
  remove(diffId: Digest): Promise<void>
  /** Stops the worker threads; work under way fails. */
  close(): Promise<void>
}
