import { type Hash, createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open, readFile, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Arrivals } from '#base/arrivals.ts'
import { type Digest, digestHex, digestOf } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import { DataLossError, InvalidArgumentError, NotFoundError, errnoOf } from '#errors/errors.ts'
import { syncDirectory } from '#kernel/fs-sync.ts'

/** Content-addressed files: manifests, configurations and compressed layers, byte for byte as they came. */
export interface Blobs {
  /** Where the blob is (or would be) on disk. Nobody writes there. */
  path(digest: Digest): string
  has(digest: Digest): boolean
  /** Bytes. @throws NotFoundError */
  size(digest: Digest): number
  /** Streams the blob, or the bytes from `start` on. Emits ENOENT when it is absent. Content is not verified. */
  read(digest: Digest, options?: { start?: number }): Readable
  /**
   * A small blob as a whole, verified.
   * @throws NotFoundError; InvalidArgumentError when it is larger than `maxBytes`; DataLossError when damaged.
   */
  readBytes(digest: Digest, maxBytes: number): Promise<Buffer>
  /** Stores bytes that are in memory; as a writer's write and commit. */
  put(bytes: Uint8Array): Promise<Digest>
  /** Opens a writer; when the signal aborts, writes fail and nothing becomes visible. */
  writer(signal?: AbortSignal): Promise<BlobWriter>
  /** Removes the blob if present. A reader that has it open reads on. */
  remove(digest: Digest): Promise<void>
  list(): Promise<Digest[]>
  /** Was committed in this turn of the event loop: who committed it has had no chance to say that it must stay. */
  isArriving(digest: Digest): boolean
}

/** Receives one blob. Disposing of it without commit removes what was written. */
export interface BlobWriter extends AsyncDisposable {
  /** The temporary file: what is written can be read there while more arrives (see `Layers.ingest`). */
  readonly path: string
  readonly writtenBytes: number
  /** Appends; resolves when the bytes are in the page cache, so that awaiting it bounds memory. Calls may not overlap. */
  write(chunk: Uint8Array): Promise<void>
  /** Resolves as soon as more than `beyond` bytes are written or no more will come. @throws when the writer was given up. */
  growth(beyond: number): Promise<{ readonly writtenBytes: number; readonly ended: boolean }>
  /** Says that no more will come, before commit: lets followers finish. Idempotent. */
  end(): void
  /**
   * Makes the blob visible under its digest, durably. Closes always, also on error. Content that exists already
   * is fine: it means "stored", not "stored by me".
   * @throws DataLossError when size or digest differ from what is expected; nothing becomes visible.
   */
  commit(expected?: { digest?: Digest; sizeBytes?: number }): Promise<{ digest: Digest; sizeBytes: number }>
}

/** Opens the blob store in a directory (made if absent) and removes what a dead daemon left half-written. */
export function openBlobs(directory: string): Blobs {
  const content = join(directory, 'sha256')
  const incoming = join(directory, 'incoming')
  mkdirSync(content, { recursive: true, mode: 0o700 })
  mkdirSync(incoming, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(incoming)) rmSync(join(incoming, name), { force: true })
  return new FileBlobs(content, incoming)
}

class FileBlobs implements Blobs {
  readonly #content: string
  readonly #incoming: string
  readonly #locks = new KeyedLock<Digest>()
  readonly #removing = new Set<Digest>()
  readonly #arriving = new Arrivals<Digest>()

  constructor(content: string, incoming: string) {
    this.#content = content
    this.#incoming = incoming
  }

  path(digest: Digest): string {
    return join(this.#content, digestHex(digest))
  }

  has(digest: Digest): boolean {
    return !this.#removing.has(digest) && existsSync(this.path(digest))
  }

  size(digest: Digest): number {
    const stat = statSync(this.path(digest), { throwIfNoEntry: false })
    if (stat === undefined) throw new NotFoundError(`blob ${digest} not found`)
    return stat.size
  }

  read(digest: Digest, options: { start?: number } = {}): Readable {
    return createReadStream(this.path(digest), { highWaterMark: 256 * 1024, start: options.start ?? 0 })
  }

  async readBytes(digest: Digest, maxBytes: number): Promise<Buffer> {
    const sizeBytes = this.size(digest)
    if (sizeBytes > maxBytes) {
      throw new InvalidArgumentError(
        `blob ${digest} has ${sizeBytes} bytes, more than the ${maxBytes} allowed`,
      )
    }
    const bytes = await readFile(this.path(digest))
    if (digestOf(bytes) !== digest) throw new DataLossError(`blob ${digest} is damaged on disk`)
    return bytes
  }

  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes)
    if (this.has(digest)) return digest
    await using writer = await this.writer()
    await writer.write(bytes)
    await writer.commit()
    return digest
  }

  async writer(signal?: AbortSignal): Promise<BlobWriter> {
    const path = join(this.#incoming, newId())
    const file = await open(path, 'wx', 0o600)
    return new FileBlobWriter(file, {
      path,
      signal: signal ?? null,
      publish: (digest) => this.#publish(path, digest),
    })
  }

  async #publish(temporary: string, digest: Digest): Promise<void> {
    using _arrival = this.#arriving.begin(digest)
    using _held = await this.#locks.acquire(digest)
    await failpoint('store.blob.before-rename')
    await rename(temporary, this.path(digest))
    await syncDirectory(this.#content)
  }

  isArriving(digest: Digest): boolean {
    return this.#arriving.has(digest)
  }

  async remove(digest: Digest): Promise<void> {
    this.#removing.add(digest)
    try {
      using _held = await this.#locks.acquire(digest)
      await unlink(this.path(digest)).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error
      })
    } finally {
      this.#removing.delete(digest)
    }
  }

  async list(): Promise<Digest[]> {
    const names = await readdir(this.#content)
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `sha256:${name}` as Digest)
  }
}

interface Publication {
  readonly path: string
  readonly signal: AbortSignal | null
  publish(digest: Digest): Promise<void>
}

class FileBlobWriter implements BlobWriter {
  readonly path: string
  readonly #file: FileHandle
  readonly #publication: Publication
  readonly #hash: Hash = createHash('sha256')
  #writtenBytes = 0
  #state: 'open' | 'ended' | 'committed' | 'given-up' = 'open'
  #grown = Promise.withResolvers<void>()
  #closed = false

  constructor(file: FileHandle, publication: Publication) {
    this.path = publication.path
    this.#file = file
    this.#publication = publication
  }

  get writtenBytes(): number {
    return this.#writtenBytes
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#publication.signal?.throwIfAborted()
    if (this.#state !== 'open') throw new TypeError(`write to a blob that is ${this.#state}`)
    this.#hash.update(chunk)
    for (let done = 0; done < chunk.byteLength;) {
      const { bytesWritten } = await this.#file.write(chunk, done, chunk.byteLength - done)
      done += bytesWritten
    }
    this.#writtenBytes += chunk.byteLength
    this.#announce()
  }

  async growth(beyond: number): Promise<{ writtenBytes: number; ended: boolean }> {
    while (this.#state === 'open' && this.#writtenBytes <= beyond) await this.#grown.promise
    if (this.#state === 'given-up') throw new DataLossError('the blob was given up before its end')
    return { writtenBytes: this.#writtenBytes, ended: this.#state !== 'open' }
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended'
    this.#announce()
  }

  async commit(
    expected: { digest?: Digest; sizeBytes?: number } = {},
  ): Promise<{ digest: Digest; sizeBytes: number }> {
    try {
      this.#publication.signal?.throwIfAborted()
      if (this.#state !== 'open' && this.#state !== 'ended')
        throw new TypeError(`commit of a blob that is ${this.#state}`)
      const sizeBytes = this.#writtenBytes
      if (expected.sizeBytes !== undefined && expected.sizeBytes !== sizeBytes) {
        throw new DataLossError(`blob has ${sizeBytes} bytes, expected ${expected.sizeBytes}`)
      }
      const digest = `sha256:${this.#hash.digest('hex')}` as Digest
      if (expected.digest !== undefined && expected.digest !== digest) {
        throw new DataLossError(`blob has digest ${digest}, expected ${expected.digest}`)
      }
      this.end()
      await this.#file.datasync()
      this.#closed = true
      await this.#file.close()
      await this.#publication.publish(digest)
      this.#state = 'committed'
      return { digest, sizeBytes }
    } finally {
      await this[Symbol.asyncDispose]()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      await this.#file.close()
    }
    if (this.#state === 'committed' || this.#state === 'given-up') return
    this.#state = 'given-up'
    this.#announce()
    await unlink(this.path).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
  }

  #announce(): void {
    this.#grown.resolve()
    this.#grown = Promise.withResolvers<void>()
  }
}
