import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type IdMap, mappedRoot } from '#base/id-map.ts'
import type { StorageDriverInfo } from '../snapshots.ts'
import type { WorkerPool } from '../worker/worker-pool.ts'
import type { SnapshotContents, SnapshotDriver, SnapshotPlace } from './driver.ts'
import type { LayerViews } from './layer-views.ts'
import type { Quotas } from './quotas.ts'

export interface VfsDriverOptions {
  readonly views: LayerViews
  readonly baseLayer: string
  readonly workers: WorkerPool
  readonly quotas: Quotas
  /** What the ids of mapped snapshots are on the host; null when there are none. */
  readonly ids: IdMap | null
}

/** Snapshots as full copies of their layers: slow and large, and works on every file system and in every sandbox. */
export class VfsDriver implements SnapshotDriver {
  readonly info: StorageDriverInfo = { name: 'vfs', status: [] }
  readonly layerFormat = 'directory'
  readonly #options: VfsDriverOptions

  constructor(options: VfsDriverOptions) {
    this.#options = options
  }

  async prepare(place: SnapshotPlace): Promise<void> {
    this.#options.quotas.apply(place)
    const tree = this.rootOf(place)
    mkdirSync(tree, { mode: 0o755 })
    const ids = this.#ids(place)
    await this.#options.workers.run('copy-layers', { layers: this.#layers(place), tree, ids })
    if (ids === null) return
    const { uid, gid } = mappedRoot(ids)
    chownSync(tree, uid, gid)
  }

  #ids(place: SnapshotPlace): IdMap | null {
    return place.mapped ? this.#options.ids : null
  }

  #layers(place: SnapshotPlace): string[] {
    const layers = place.layers.map((layer) => this.#options.views.acquire(layer))
    return place.isBare ? layers : [this.#options.baseLayer, ...layers]
  }

  async mount(place: SnapshotPlace): Promise<string> {
    // The record of a container survives the loss of power; its copy may not.
    if (!existsSync(this.rootOf(place))) {
      mkdirSync(place.directory, { recursive: true, mode: 0o710 })
      await this.prepare(place)
    }
    return this.rootOf(place)
  }

  unmount(): Promise<void> {
    return Promise.resolve()
  }

  rootOf(place: SnapshotPlace): string {
    return join(place.directory, 'tree')
  }

  adopt(): boolean {
    return false
  }

  forget(place: SnapshotPlace): Promise<void> {
    this.#options.quotas.forget(place)
    return Promise.resolve()
  }

  reclaim(): Promise<void> {
    return Promise.resolve()
  }

  withContents<T>(
    place: SnapshotPlace,
    _needsLower: boolean,
    work: (contents: SnapshotContents) => Promise<T>,
  ): Promise<T> {
    return work({
      kind: 'tree',
      tree: this.rootOf(place),
      layers: this.#layers(place),
      ids: this.#ids(place),
    })
  }

  describe(): null {
    return null
  }

  dropLayer(): void {}

  close(): void {}
}
