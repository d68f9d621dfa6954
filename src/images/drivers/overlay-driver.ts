import { chownSync, existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '#base/digest.ts'
import { type IdMap, mappedRoot } from '#base/id-map.ts'
import { newId } from '#base/ids.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { MNT, umount, umountAll } from '#kernel/mounts.ts'
import { umountOffThread } from '#kernel/native/native.ts'
import type { LayerFormat } from '../layers/layer-sink.ts'
import type { StorageDriverInfo } from '../snapshots.ts'
import type { SnapshotContents, SnapshotDriver, SnapshotPlace } from './driver.ts'
import type { LayerViews } from './layer-views.ts'
import type { MappedOverlays } from './mapped-overlays.ts'
import { type OverlayRequest, mountOverlay } from './overlay-mount.ts'
import type { Quotas } from './quotas.ts'

/** The kernel stacks no more than this (fs/overlayfs/params.h, OVL_MAX_STACK), one of which is ours. */
const MAX_LAYERS = 499

export interface OverlayDriverOptions {
  readonly info: StorageDriverInfo
  readonly layerFormat: LayerFormat
  readonly views: LayerViews
  /** What lies beneath every image: the mount points that the runtime needs. */
  readonly baseLayer: string
  readonly quotas: Quotas
  /** Mounts snapshots whose ids are shifted; null when there are none. */
  readonly mapping: MappedOverlays | null
  /** Another way to mount, e.g. fuse-overlayfs. */
  readonly mountOverlay?: (target: string, request: OverlayRequest) => Promise<void> | void
}

/** Snapshots as overlayfs mounts: `upper` and `work` in the snapshot's directory, seen merged at `merged`. */
export class OverlayDriver implements SnapshotDriver {
  readonly info: StorageDriverInfo
  readonly layerFormat: LayerFormat
  readonly #options: OverlayDriverOptions
  /** Layers acquired for each mounted snapshot. */
  readonly #held = new Map<string, readonly Digest[]>()

  constructor(options: OverlayDriverOptions) {
    this.info = options.info
    this.layerFormat = options.layerFormat
    this.#options = options
  }

  async prepare(place: SnapshotPlace): Promise<void> {
    if (place.layers.length > MAX_LAYERS) {
      throw new InvalidArgumentError(
        `max depth exceeded: ${place.layers.length} layers, the kernel stacks ${MAX_LAYERS}`,
      )
    }
    this.#makeDirectories(place)
    this.#options.quotas.apply(place)
  }

  async mount(place: SnapshotPlace): Promise<string> {
    const target = this.rootOf(place)
    // The record of a container survives the loss of power; what it had only begun to write may not.
    this.#makeDirectories(place)
    const lowers = this.#hold(place)
    try {
      const { mapping } = this.#options
      const request = {
        lowers,
        upper: join(place.directory, 'upper'),
        work: join(place.directory, 'work'),
      }
      if (place.mapped && mapping !== null) await mapping.mount(target, request)
      else await this.#mountOverlay(target, request)
    } catch (error) {
      this.#letGo(place.id)
      throw error
    }
    return target
  }

  async unmount(place: SnapshotPlace): Promise<void> {
    const target = this.rootOf(place)
    // Whatever is left, or why it could not go, the second call says.
    if (!(await umountOffThread(target, MNT.DETACH | MNT.NOFOLLOW))) umountAll(target)
    this.#letGo(place.id)
  }

  rootOf(place: SnapshotPlace): string {
    return join(place.directory, 'merged')
  }

  adopt(place: SnapshotPlace, mountPoints: ReadonlySet<string>): boolean {
    if (!mountPoints.has(this.rootOf(place))) return false
    this.#hold(place)
    return true
  }

  async forget(place: SnapshotPlace): Promise<void> {
    this.#options.quotas.forget(place)
  }

  reclaim(): Promise<void> {
    return Promise.resolve()
  }

  async withContents<T>(
    place: SnapshotPlace,
    needsLower: boolean,
    work: (contents: SnapshotContents) => Promise<T>,
  ): Promise<T> {
    const upper = join(place.directory, 'upper')
    const ids = this.#ids(place)
    if (!needsLower) return await work({ kind: 'upper', upper, lower: null, ids })
    if (place.layers.length === 0)
      return await work({ kind: 'upper', upper, lower: this.#options.baseLayer, ids })
    const acquired: Digest[] = []
    const lower = join(place.directory, `lower-${newId()}`)
    try {
      const lowers = [this.#options.baseLayer, ...place.layers.map((layer) => this.#acquire(layer, acquired))]
      mkdirSync(lower)
      await this.#mountOverlay(lower, { lowers })
      try {
        return await work({ kind: 'upper', upper, lower, ids })
      } finally {
        umount(lower, MNT.DETACH)
      }
    } finally {
      if (existsSync(lower)) rmdirSync(lower)
      for (const layer of acquired) this.#options.views.release(layer)
    }
  }

  describe(place: SnapshotPlace): Readonly<Record<string, string>> {
    return {
      ID: place.id,
      LowerDir: place.layers.toReversed().join(':'),
      MergedDir: this.rootOf(place),
      UpperDir: join(place.directory, 'upper'),
      WorkDir: join(place.directory, 'work'),
    }
  }

  dropLayer(diffId: Digest): void {
    this.#options.views.drop(diffId)
  }

  close(): void {
    this.#options.views.close()
  }

  /** The upper directory's own owner is the root's. */
  #makeDirectories(place: SnapshotPlace): void {
    for (const name of ['upper', 'work', 'merged']) {
      mkdirSync(join(place.directory, name), { recursive: true, mode: 0o755 })
    }
    const ids = this.#ids(place)
    if (ids === null) return
    const { uid, gid } = mappedRoot(ids)
    chownSync(join(place.directory, 'upper'), uid, gid)
  }

  /** What ids the upper directory has, if others than its layers. */
  #ids(place: SnapshotPlace): IdMap | null {
    return place.mapped ? (this.#options.mapping?.upperIds ?? null) : null
  }

  async #mountOverlay(target: string, request: OverlayRequest): Promise<void> {
    const { mountOverlay: mountOtherwise } = this.#options
    if (mountOtherwise === undefined) mountOverlay(target, request)
    else await mountOtherwise(target, request)
  }

  #hold(place: SnapshotPlace): string[] {
    const acquired: Digest[] = []
    try {
      const paths = place.layers.map((layer) => this.#acquire(layer, acquired))
      this.#held.set(place.id, acquired)
      return [...this.#beneath(place), ...paths]
    } catch (error) {
      for (const layer of acquired) this.#options.views.release(layer)
      throw error
    }
  }

  /** What lies beneath the layers: overlayfs wants one directory at least. */
  #beneath(place: SnapshotPlace): string[] {
    if (!place.isBare) return [this.#options.baseLayer]
    if (place.layers.length > 0) return []
    const empty = join(place.directory, 'empty')
    mkdirSync(empty, { recursive: true, mode: 0o755 })
    return [empty]
  }

  #acquire(layer: Digest, acquired: Digest[]): string {
    const path = this.#options.views.acquire(layer)
    acquired.push(layer)
    return path
  }

  #letGo(id: string): void {
    for (const layer of this.#held.get(id) ?? []) this.#options.views.release(layer)
    this.#held.delete(id)
  }
}
