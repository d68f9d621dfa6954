import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import type { Logger } from '#base/logger.ts'
import { AlreadyExistsError, NotFoundError, errnoOf, messageOf } from '#errors/errors.ts'
import { mountTable } from '#kernel/mounts.ts'
import { removeTree } from '#kernel/remove-tree.ts'
import type { Database, Schema } from '#store/database.ts'
import type { SnapshotContents, SnapshotDriver, SnapshotPlace } from './drivers/driver.ts'
import type { IngestResult } from './layers/layer-sink.ts'
import type { LayerStore } from './layers/layer-store.ts'
import type { LayerRecord } from './layers/layers.ts'
import type {
  CommitOptions,
  SnapshotChange,
  SnapshotRequest,
  SnapshotUsage,
  Snapshots,
  StorageDriverInfo,
} from './snapshots.ts'
import type { WorkerPool } from './worker/worker-pool.ts'

export const SNAPSHOT_SCHEMA: Schema = {
  area: 'snapshots',
  migrations: [
    `CREATE TABLE snapshots (
      id TEXT PRIMARY KEY,
      layers TEXT NOT NULL,
      storage_options TEXT NOT NULL
    ) STRICT`,
    `ALTER TABLE snapshots ADD COLUMN mapped INTEGER NOT NULL DEFAULT 0`,
  ],
}

export interface SnapshotStoreOptions {
  readonly database: Database
  /** `<data-root>/snapshots`: one directory for each. */
  readonly directory: string
  readonly layers: LayerStore
  readonly driver: SnapshotDriver
  readonly workers: WorkerPool
  /** The group that may go through to mapped snapshots: that of their root. Null when there are none. */
  readonly mappedGid: number | null
  readonly log: Logger
}

const REMOVED = '.removed-'

/** Opens the snapshots of a data root; mounts that outlived the last daemon are taken over. Then call `recover`. */
export function openSnapshots(options: SnapshotStoreOptions): SnapshotStore {
  mkdirSync(options.directory, { recursive: true, mode: 0o710 })
  if (options.mappedGid !== null) chownSync(options.directory, 0, options.mappedGid)
  return new SnapshotStore(options)
}

/** Snapshots as rows of the database and directories that a driver fills. */
export class SnapshotStore implements Snapshots {
  readonly driver: StorageDriverInfo
  readonly #options: SnapshotStoreOptions
  readonly #places = new Map<string, SnapshotPlace>()
  readonly #mounted = new Set<string>()
  /** Left by the last daemon, and not touched by this one yet: what `recover` looks at. */
  readonly #inherited = new Set<string>()
  readonly #locks = new KeyedLock()
  /** By the name of what is freed. */
  readonly #freeing = new Map<string, Promise<void>>()
  #removed: (layers: readonly Digest[]) => void = () => {}

  constructor(options: SnapshotStoreOptions) {
    this.#options = options
    this.driver = options.driver.info
    const mountPoints = new Set(mountTable().map((entry) => entry.mountPoint))
    for (const row of options.database.prepare('SELECT * FROM snapshots').all()) {
      const place = this.#placeOf(String(row['id']), {
        layers: JSON.parse(String(row['layers'])) as Digest[],
        storageOptions: JSON.parse(String(row['storage_options'])) as Record<string, string>,
        mapped: row['mapped'] === 1,
      })
      this.#places.set(place.id, place)
      this.#inherited.add(place.id)
      if (options.driver.adopt(place, mountPoints)) this.#mounted.add(place.id)
    }
  }

  #placeOf(id: string, request: SnapshotRequest): SnapshotPlace {
    return {
      id,
      directory: join(this.#options.directory, id),
      layers: request.layers,
      storageOptions: request.storageOptions ?? {},
      mapped: request.mapped === true,
      isBare: request.bare === true,
    }
  }

  #place(id: string): SnapshotPlace {
    const place = this.#places.get(id)
    if (place === undefined) throw new NotFoundError(`snapshot ${id} not found`)
    return place
  }

  async prepare(id: string, request: SnapshotRequest): Promise<void> {
    if (!/^[\w-][\w.-]*$/.test(id)) throw new TypeError(`invalid snapshot id ${JSON.stringify(id)}`)
    const { database, layers, driver } = this.#options
    using _held = await this.#locks.acquire(id)
    if (this.#places.has(id)) throw new AlreadyExistsError(`snapshot ${id} exists`)
    for (const layer of request.layers) layers.get(layer)
    const place = this.#placeOf(id, request)
    database
      .prepare('INSERT INTO snapshots (id, layers, storage_options, mapped) VALUES (?, ?, ?, ?)')
      .run(id, JSON.stringify(place.layers), JSON.stringify(place.storageOptions), place.mapped ? 1 : 0)
    this.#places.set(id, place)
    try {
      await failpoint('images.snapshot.before-make')
      // Whoever comes so far may go on to a mapped root; a group of its own the directory cannot have where it is mapped.
      mkdirSync(place.directory, { mode: place.mapped ? 0o711 : 0o710 })
      await driver.prepare(place)
    } catch (error) {
      await this.#discard(place)
      throw error
    }
  }

  has(id: string): boolean {
    return this.#places.has(id)
  }

  layers(id: string): readonly Digest[] {
    return this.#place(id).layers
  }

  /** The layers that snapshots stand on, for garbage collection. */
  *usedLayers(): Generator<Digest> {
    for (const place of this.#places.values()) yield* place.layers
  }

  /** Who is told of the layers of each snapshot that is gone. */
  whenRemoved(listener: (layers: readonly Digest[]) => void): void {
    this.#removed = listener
  }

  ids(): readonly string[] {
    return [...this.#places.keys()]
  }

  async mount(id: string): Promise<string> {
    this.#inherited.delete(id)
    using _held = await this.#locks.acquire(id)
    const place = this.#place(id)
    if (this.#mounted.has(id)) return this.#options.driver.rootOf(place)
    const root = await this.#options.driver.mount(place)
    this.#mounted.add(id)
    return root
  }

  isMounted(id: string): boolean {
    return this.#mounted.has(id)
  }

  async unmount(id: string): Promise<void> {
    using _held = await this.#locks.acquire(id)
    const place = this.#places.get(id)
    if (place !== undefined) await this.#unmount(place)
  }

  async #unmount(place: SnapshotPlace): Promise<void> {
    if (!this.#mounted.has(place.id)) return
    await this.#options.driver.unmount(place)
    this.#mounted.delete(place.id)
  }

  async remove(id: string): Promise<void> {
    using _held = await this.#locks.acquire(id)
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#mounted.delete(id)
    await this.#discard(place)
  }

  /** The row goes last: until then a restart finds what is left. */
  async #discard(place: SnapshotPlace): Promise<void> {
    const { database, directory, driver } = this.#options
    await driver.forget(place)
    const removed = `${REMOVED}${newId()}`
    try {
      await rename(place.directory, join(directory, removed))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
    await failpoint('images.snapshot.before-forget')
    database.prepare('DELETE FROM snapshots WHERE id = ?').run(place.id)
    this.#places.delete(place.id)
    this.#removed(place.layers)
    this.#freeSoon(removed, place)
  }

  /** Waits for the removals that go on in the background. */
  async settled(): Promise<void> {
    await Promise.all(this.#freeing.values())
  }

  /** Once for each name, however often it is found. */
  #freeSoon(name: string, place: Omit<SnapshotPlace, 'directory'>): void {
    if (this.#freeing.has(name)) return
    const freeing = this.#free(name, place).finally(() => this.#freeing.delete(name))
    this.#freeing.set(name, freeing)
  }

  /**
   * Unmounts what was moved away, and removes it. The last unmount of an overlay writes out the file system beneath,
   * which can take long: nobody waits for it.
   */
  async #free(name: string, place: Omit<SnapshotPlace, 'directory'>): Promise<void> {
    const directory = join(this.#options.directory, name)
    try {
      await this.#options.driver.unmount({ ...place, directory })
      await this.#options.driver.reclaim(directory)
    } catch (error) {
      this.#options.log.warn('what is left of a snapshot cannot be freed', { name, error: messageOf(error) })
      return
    }
    await this.#sweep([name])
  }

  async #sweep(names: readonly string[]): Promise<void> {
    const { directory, log } = this.#options
    for (const name of names) {
      await removeTree(join(directory, name)).catch((error: unknown) =>
        log.warn('remains of a snapshot cannot be removed', { name, error: messageOf(error) }),
      )
    }
  }

  async changes(id: string): Promise<readonly SnapshotChange[]> {
    return await this.#withContents(id, true, (contents) =>
      this.#options.workers.run<readonly SnapshotChange[]>('changes', contents),
    )
  }

  async usage(id: string): Promise<SnapshotUsage> {
    const layerBytes = this.#place(id).layers.reduce(
      (sum, layer) => sum + this.#options.layers.get(layer).sizeBytes,
      0,
    )
    const rwBytes = await this.#withContents(id, false, (contents) =>
      this.#options.workers.run<number>('usage', contents),
    )
    return { rwBytes, rootFsBytes: rwBytes + layerBytes }
  }

  async changesTar(id: string, options: { signal?: AbortSignal } = {}): Promise<Readable> {
    // The tar needs no look at the merged layers, so nothing has to be given back when the stream ends.
    return await this.#withContents(id, false, async (contents) =>
      this.#options.workers.stream('changes-tar', contents, options),
    )
  }

  async commit(id: string, options: CommitOptions = {}): Promise<LayerRecord> {
    const { layers, workers } = this.#options
    return await this.#withContents(id, false, (contents) =>
      layers.store((directory) =>
        workers.run<IngestResult>(
          'commit',
          { directory, format: layers.format, contents, latestSeconds: options.latestSeconds ?? null },
          { signal: options.signal },
        ),
      ),
    )
  }

  /** Stores as a layer what one mounted tree has and another, which it was made from, has not. */
  async storeDifference(tree: string, base: string, options: CommitOptions = {}): Promise<LayerRecord> {
    const { layers, workers } = this.#options
    const contents: SnapshotContents = { kind: 'tree', tree, layers: [base], ids: null }
    return await layers.store((directory) =>
      workers.run<IngestResult>(
        'commit',
        { directory, format: layers.format, contents, latestSeconds: options.latestSeconds ?? null },
        { signal: options.signal },
      ),
    )
  }

  #withContents<T>(
    id: string,
    needsLower: boolean,
    work: (contents: SnapshotContents) => Promise<T>,
  ): Promise<T> {
    return this.#options.driver.withContents(this.#place(id), needsLower, work)
  }

  describe(id: string): Readonly<Record<string, string>> | null {
    return this.#options.driver.describe(this.#place(id))
  }

  get directory(): string {
    return this.#options.directory
  }

  /** Names in the directory that belong to no snapshot and are not being removed. */
  async strays(): Promise<readonly string[]> {
    const names = await readdir(this.#options.directory)
    return names.filter((name) => !this.#places.has(name) && !name.startsWith(REMOVED))
  }

  async removeStray(name: string): Promise<void> {
    await this.#options.driver.reclaim(join(this.#options.directory, name))
    await rm(join(this.#options.directory, name), { recursive: true, force: true })
  }

  async recover(liveIds: ReadonlySet<string>, mountedIds: ReadonlySet<string>): Promise<void> {
    for (const id of [...this.#inherited]) {
      if (!liveIds.has(id)) await this.remove(id)
      // Asked again: someone may have mounted it meanwhile, to use it.
      else if (!mountedIds.has(id) && this.#inherited.has(id)) await this.unmount(id)
    }
    this.#inherited.clear()
    await mkdir(this.#options.directory, { recursive: true })
    const stray = readdirSync(this.#options.directory).filter((name) => !this.#places.has(name))
    for (const name of stray)
      this.#freeSoon(name, { id: name, layers: [], storageOptions: {}, mapped: false, isBare: false })
  }
}
