import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { KernelError, InvalidArgumentError } from '#errors/errors.ts'
import { isSubvolume } from '#kernel/btrfs.ts'
import type { StorageDriverInfo } from '../snapshots.ts'
import type { WorkerPool } from '../worker/worker-pool.ts'
import type { SnapshotContents, SnapshotDriver, SnapshotPlace } from './driver.ts'
import { requestedSize } from './quotas.ts'
import type { SubvolumeStacks } from './subvolume-stacks.ts'

/** Snapshots as btrfs snapshots of a subvolume that shows the image: made and removed at once, blocks are shared. */
export class BtrfsDriver implements SnapshotDriver {
  readonly info: StorageDriverInfo = { name: 'btrfs', status: [['Btrfs', '']] }
  readonly layerFormat = 'directory'
  readonly #stacks: SubvolumeStacks
  readonly #workers: WorkerPool

  constructor(options: { readonly stacks: SubvolumeStacks; readonly workers: WorkerPool }) {
    this.#stacks = options.stacks
    this.#workers = options.workers
  }

  async prepare(place: SnapshotPlace): Promise<void> {
    if (place.isBare) return await this.#stacks.copy(place.layers, this.rootOf(place))
    const sizeBytes = requestedSize(place.storageOptions)
    const from = await this.#stacks.ensure(place.layers)
    try {
      await this.#workers.run('snapshot-subvolume', { from, tree: this.rootOf(place), sizeBytes })
      await failpoint('images.subvolume.made')
    } catch (error) {
      if (sizeBytes === null || !(error instanceof KernelError)) throw error
      throw new InvalidArgumentError(`--storage-opt size cannot be set: ${error.message}`, { cause: error })
    }
  }

  async mount(place: SnapshotPlace): Promise<string> {
    // The record of a container survives the loss of power; its subvolume may not.
    if (!isSubvolume(this.rootOf(place))) {
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

  forget(): Promise<void> {
    return Promise.resolve()
  }

  async reclaim(directory: string): Promise<void> {
    await this.#workers.run('remove-subvolume', { tree: join(directory, 'tree') })
  }

  async withContents<T>(
    place: SnapshotPlace,
    _needsLower: boolean,
    work: (contents: SnapshotContents) => Promise<T>,
  ): Promise<T> {
    const below = await this.#stacks.ensure(place.layers)
    return await work({ kind: 'tree', tree: this.rootOf(place), layers: [below], ids: null })
  }

  describe(): null {
    return null
  }

  dropLayer(diffId: Digest): void {
    this.#stacks.drop(diffId)
  }

  close(): void {}
}
