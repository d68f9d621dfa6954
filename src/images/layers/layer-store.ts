import { closeSync, createReadStream, mkdirSync, openSync, readdirSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { Arrivals } from '#base/arrivals.ts'
import { type Digest, digestHex } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import type { Logger } from '#base/logger.ts'
import { DataLossError, InvalidArgumentError, NotFoundError, messageOf } from '#errors/errors.ts'
import { syncDirectory } from '#kernel/fs-sync.ts'
import type { Database, Schema } from '#store/database.ts'
import type { JobOptions, WorkerPool } from '../worker/worker-pool.ts'
import { EROFS_FILE } from './erofs-sink.ts'
import { TAR_START } from './erofs-index.ts'
import type { IngestParameters } from './ingest-job.ts'
import type { IngestResult, LayerFormat } from './layer-sink.ts'
import type { IngestOptions, LayerRecord, LayerSource, Layers } from './layers.ts'
import { readTarCopy } from './tar-copy.ts'
import type { LayerFault } from './verify-job.ts'

export const LAYER_SCHEMA: Schema = {
  area: 'layers',
  migrations: [
    `CREATE TABLE layers (
      diff_id TEXT PRIMARY KEY,
      format TEXT NOT NULL,
      size_bytes INTEGER NOT NULL,
      tar_bytes INTEGER NOT NULL
    ) STRICT`,
  ],
}

export interface LayerStoreOptions {
  readonly database: Database
  /** `<data-root>/layers` */
  readonly directory: string
  readonly format: LayerFormat
  readonly workers: WorkerPool
  readonly log: Logger
  /** Told before a layer's files go, so that a mount of it goes first. */
  onRemove?(diffId: Digest): void
}

/** Layers on disk, with what snapshot drivers need beside the public interface. */
export interface LayerStore extends Layers {
  /** The directory of a layer. @throws NotFoundError */
  directoryOf(diffId: Digest): string
  /** Stores what a job on a worker produces: the job makes the files of a layer in the directory it is given. */
  store(make: (directory: string) => Promise<IngestResult>): Promise<LayerRecord>
  readonly format: LayerFormat
  /** See `CollectableLayers`. */
  isArriving(diffId: Digest): boolean
  /** Reads all of a layer; null when it is as it must be. */
  verify(diffId: Digest, options?: { signal?: AbortSignal }): Promise<LayerFault | null>
  /** Puts a layer in the place of the damaged one of this diffId. Snapshots mounted before keep the old. */
  replace(diffId: Digest, source: LayerSource): Promise<void>
  /** Names in the layers' directory that belong to no layer and no work under way. */
  strays(): Promise<readonly string[]>
  removeStray(name: string): Promise<void>
}

const INCOMING = '.incoming-'
const REMOVED = '.removed-'

/**
 * Opens the store and begins to remove what a dead daemon left: half-made layers and such that are not recorded.
 * @throws InvalidArgumentError when the layers there are of another format.
 */
export function openLayers(options: LayerStoreOptions): LayerStore {
  mkdirSync(options.directory, { recursive: true, mode: 0o710 })
  const known = new Map<Digest, LayerRecord>()
  for (const row of options.database.prepare('SELECT * FROM layers').all()) {
    if (row['format'] !== options.format) {
      throw new InvalidArgumentError(
        `the layers in "${options.directory}" are kept as ${String(row['format'])}, not as ${options.format}: use the storage driver that made them, or another data root`,
      )
    }
    const diffId = row['diff_id'] as Digest
    known.set(diffId, { diffId, sizeBytes: Number(row['size_bytes']), tarBytes: Number(row['tar_bytes']) })
  }
  const expected = new Set([...known.keys()].map(digestHex))
  const stray = readdirSync(options.directory).filter((name) => !expected.has(name))
  const store = new DiskLayerStore(options, known)
  void sweep(options, stray)
  return store
}

async function sweep(options: LayerStoreOptions, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await rm(join(options.directory, name), { recursive: true, force: true }).catch((error: unknown) =>
      options.log.warn('remains of a layer cannot be removed', { name, error: messageOf(error) }),
    )
  }
}

class DiskLayerStore implements LayerStore {
  readonly format: LayerFormat
  readonly #options: LayerStoreOptions
  readonly #known: Map<Digest, LayerRecord>
  readonly #locks = new KeyedLock<Digest>()
  #lastTurn: Promise<void> = Promise.resolve()
  readonly #arriving = new Arrivals<Digest>()

  constructor(options: LayerStoreOptions, known: Map<Digest, LayerRecord>) {
    this.#options = options
    this.format = options.format
    this.#known = known
  }

  async ingest(
    source: LayerSource,
    options: IngestOptions & { replace?: boolean } = {},
  ): Promise<LayerRecord> {
    const fd =
      'path' in source
        ? openSync(source.path, 'r')
        : 'blob' in source
          ? openSync(source.blob.path, 'r')
          : null
    try {
      return await this.store(async (directory) => {
        const parameters: IngestParameters = {
          directory,
          format: this.format,
          compression: options.compression ?? 'detect',
          fd,
          isGrowing: 'blob' in source,
        }
        const job: JobOptions = {
          signal: options.signal,
          onProgress: options.onProgress,
          ...('stream' in source ? { input: source.stream } : {}),
          ...('blob' in source ? { growing: source.blob } : {}),
        }
        const result = await this.#options.workers.run<IngestResult>('ingest', parameters, job)
        if (options.expectedDiffId !== undefined && result.diffId !== options.expectedDiffId) {
          throw new DataLossError(`layer has diffID ${result.diffId}, expected ${options.expectedDiffId}`)
        }
        return result
      }, options.replace)
    } finally {
      if (fd !== null) closeSync(fd)
    }
  }

  async store(make: (directory: string) => Promise<IngestResult>, replace = false): Promise<LayerRecord> {
    const incoming = join(this.#options.directory, `${INCOMING}${newId()}`)
    await mkdir(incoming, { mode: 0o755 })
    try {
      const record = await make(incoming)
      await syncDirectory(incoming)
      using _arrival = this.#arriving.begin(record.diffId)
      if (replace) await this.#moveAway(record.diffId)
      await this.#publish(incoming, record)
      return record
    } catch (error) {
      await rm(incoming, { recursive: true, force: true })
      throw error
    }
  }

  inflated(source: AsyncIterable<Uint8Array>, options: { signal?: AbortSignal } = {}): Readable {
    return this.#options.workers.stream('inflate', null, { ...options, input: source })
  }

  isArriving(diffId: Digest): boolean {
    return this.#arriving.has(diffId)
  }

  async verify(diffId: Digest, options: { signal?: AbortSignal } = {}): Promise<LayerFault | null> {
    const { tarBytes } = this.get(diffId)
    const parameters = { directory: this.directoryOf(diffId), format: this.format, diffId, tarBytes }
    return await this.#options.workers.run<LayerFault | null>('verify-layer', parameters, {
      signal: options.signal,
    })
  }

  async replace(diffId: Digest, source: LayerSource): Promise<void> {
    await this.ingest(source, { expectedDiffId: diffId, replace: true })
  }

  async strays(): Promise<readonly string[]> {
    const names = await readdir(this.#options.directory)
    return names.filter(
      (name) => !/^\.(incoming|removed)-/.test(name) && !this.#known.has(`sha256:${name}` as Digest),
    )
  }

  async removeStray(name: string): Promise<void> {
    await rm(join(this.#options.directory, name), { recursive: true, force: true })
  }

  async #publish(incoming: string, record: LayerRecord): Promise<void> {
    const { database, directory } = this.#options
    {
      using _held = await this.#locks.acquire(record.diffId)
      if (!this.#known.has(record.diffId)) {
        await failpoint('images.layer.before-rename')
        await rename(incoming, join(directory, digestHex(record.diffId)))
        await syncDirectory(directory)
        await failpoint('images.layer.before-record')
        database
          .prepare('INSERT INTO layers (diff_id, format, size_bytes, tar_bytes) VALUES (?, ?, ?, ?)')
          .run(record.diffId, this.format, record.sizeBytes, record.tarBytes)
        this.#known.set(record.diffId, record)
      } else {
        void sweep(this.#options, [basename(incoming)])
      }
    }
    await database.durable()
  }

  has(diffId: Digest): boolean {
    return this.#known.has(diffId)
  }

  get(diffId: Digest): LayerRecord {
    const record = this.#known.get(diffId)
    if (record === undefined) throw new NotFoundError(`layer ${diffId} not found`)
    return record
  }

  list(): readonly LayerRecord[] {
    return [...this.#known.values()]
  }

  directoryOf(diffId: Digest): string {
    return join(this.#options.directory, digestHex(this.get(diffId).diffId))
  }

  tar(diffId: Digest): Readable {
    const { tarBytes } = this.get(diffId)
    const directory = this.directoryOf(diffId)
    if (this.format === 'directory') return readTarCopy(directory)
    if (tarBytes === 0) return Readable.from([])
    return createReadStream(join(directory, EROFS_FILE), {
      start: TAR_START,
      end: TAR_START + tarBytes - 1,
      highWaterMark: 256 * 1024,
    })
  }

  files(diffId: Digest, options: { signal?: AbortSignal } = {}): Readable {
    const { tarBytes } = this.get(diffId)
    const parameters = { directory: this.directoryOf(diffId), format: this.format, tarBytes }
    return this.#options.workers.stream('list-layer', parameters, options)
  }

  async remove(diffId: Digest): Promise<void> {
    if (!this.#known.delete(diffId)) return
    const { database, directory } = this.#options
    using _held = await this.#locks.acquire(diffId)
    await this.#ownTurn()
    this.#options.onRemove?.(diffId)
    database.prepare('DELETE FROM layers WHERE diff_id = ?').run(diffId)
    await failpoint('images.layer.before-unlink')
    const removed = join(directory, `${REMOVED}${newId()}`)
    await rename(join(directory, digestHex(diffId)), removed)
    // Freeing the blocks of a large file takes the disk long; nobody needs to wait for it.
    void sweep(this.#options, [basename(removed)])
  }

  /** A mount takes a millisecond to go: many removals are spread over as many turns of the event loop. */
  #ownTurn(): Promise<void> {
    this.#lastTurn = this.#lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)))
    return this.#lastTurn
  }

  async #moveAway(diffId: Digest): Promise<void> {
    using _held = await this.#locks.acquire(diffId)
    const { database, directory } = this.#options
    this.#options.onRemove?.(diffId)
    this.#known.delete(diffId)
    database.prepare('DELETE FROM layers WHERE diff_id = ?').run(diffId)
    await rm(join(directory, digestHex(diffId)), { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await this.#options.workers.close()
  }
}
