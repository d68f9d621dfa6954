import type { Digest } from '#base/digest.ts'
import type { IdMap } from '#base/id-map.ts'
import type { LayerFormat } from '../layers/layer-sink.ts'
import type { StorageDriverInfo } from '../snapshots.ts'

/** A snapshot as a driver sees it: a directory of its own and the layers beneath. */
export interface SnapshotPlace {
  readonly id: string
  readonly directory: string
  /** Lowest first. */
  readonly layers: readonly Digest[]
  readonly storageOptions: Readonly<Record<string, string>>
  /** Its root shows the host's ids of a user namespace, where the daemon has one for its containers. */
  readonly mapped: boolean
  /** Without the base layer beneath. */
  readonly isBare: boolean
}

/**
 * What a snapshot holds beside its layers, for those who read it on a worker thread. `ids` is there when it holds ids of
 * the host where layers hold a container's.
 */
export type SnapshotContents =
  /** An upper directory of overlayfs; `lower` shows all that is beneath, merged. */
  | {
      readonly kind: 'upper'
      readonly upper: string
      readonly lower: string | null
      readonly ids: IdMap | null
    }
  /** A whole tree, to be compared with the layers it was copied from, lowest first. */
  | {
      readonly kind: 'tree'
      readonly tree: string
      readonly layers: readonly string[]
      readonly ids: IdMap | null
    }

/**
 * One way to make writable root file systems out of layers. Calls for one snapshot never overlap. A driver keeps no
 * state that cannot be read again from the disk and the mount table.
 */
export interface SnapshotDriver {
  readonly info: StorageDriverInfo
  /** How layers must be stored for this driver. */
  readonly layerFormat: LayerFormat
  /** Makes the snapshot in its directory, which exists and is empty. What a failure leaves there, the caller removes. */
  prepare(place: SnapshotPlace): Promise<void>
  /** Makes the root visible and says where. Not called while mounted. */
  mount(place: SnapshotPlace): Promise<string>
  /** Takes the root away; nothing mounted is fine. */
  unmount(place: SnapshotPlace): Promise<void>
  /** Where `mount` makes the root visible. */
  rootOf(place: SnapshotPlace): string
  /** Whether the mount of this snapshot outlived the daemon; asked once at start, then `mount` is not called for it. */
  adopt(place: SnapshotPlace, mountPoints: ReadonlySet<string>): boolean
  /** Frees what is not a file in the snapshot's directory, before that is removed. */
  forget(place: SnapshotPlace): Promise<void>
  /** Removes at once, from a snapshot's directory that was moved away, what is slow to remove file by file. Idempotent. */
  reclaim(directory: string): Promise<void>
  /** Runs `work` with the contents. `needsLower` asks for the merged layers too. */
  withContents<T>(
    place: SnapshotPlace,
    needsLower: boolean,
    work: (contents: SnapshotContents) => Promise<T>,
  ): Promise<T>
  /** `GraphDriver.Data` of `docker inspect`: overlays have some. */
  describe(place: SnapshotPlace): Readonly<Record<string, string>> | null
  /** A layer is about to be removed. */
  dropLayer(diffId: Digest): void
  /** The daemon ends: what only makes the next mount faster is given back. Snapshots in use stay mounted. */
  close(): void
}
