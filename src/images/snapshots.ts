import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import type { LayerRecord } from './layers/layers.ts'

/** One difference between a container's file system and its image's, as `docker diff` prints it. */
export interface SnapshotChange {
  /** Absolute, beneath the container's root. */
  readonly path: string
  readonly kind: 'modify' | 'add' | 'delete'
}

/** What a snapshot is made of. */
export interface SnapshotRequest {
  /** The image's layers by diffId, lowest first; none for an image from scratch. */
  readonly layers: readonly Digest[]
  /** `--storage-opt` (only `size` is known); refused in Docker's words where the file system cannot do it. */
  readonly storageOptions?: Readonly<Record<string, string>>
  /**
   * Its root shows the ids of the daemon's remapping (`userns-remap`), as a container in a user namespace needs it.
   * What is stored, committed and compared always has the image's own ids. Means nothing without a remapping.
   */
  readonly mapped?: boolean
  /** Only to be looked at: the layers and nothing else, without the mount points that every container's root has. */
  readonly bare?: boolean
}

/** How changes become a layer. */
export interface CommitOptions {
  readonly signal?: AbortSignal
  /** No file's time is later (SOURCE_DATE_EPOCH), in seconds; absent or null leaves times as they are. */
  readonly latestSeconds?: number | null
}

/** Disk space of one snapshot. */
export interface SnapshotUsage {
  /** `SizeRw`: the files the container wrote. */
  readonly rwBytes: number
  /** `SizeRootFs`: those and the image's. */
  readonly rootFsBytes: number
}

/** What `docker info` and `docker inspect` say of the storage driver. */
export interface StorageDriverInfo {
  readonly name: string
  /** `DriverStatus`, in Docker's form: pairs of name and value. */
  readonly status: readonly (readonly [string, string])[]
}

/**
 * Writable root file systems, one per container (or build step), each on a stack of image layers.
 * A snapshot is recorded by `prepare` and exists until `remove`; the layers it names are kept by garbage collection.
 */
export interface Snapshots {
  readonly driver: StorageDriverInfo
  /**
   * Makes a snapshot. It is unmounted and empty above its layers. Recorded before anything is made: one that a dead
   * daemon left half-made is removed by `recover`.
   * @throws NotFoundError when a layer is not stored; AlreadyExistsError; InvalidArgumentError for a storage option.
   */
  prepare(id: string, request: SnapshotRequest): Promise<void>
  has(id: string): boolean
  /**
   * Mounts the snapshot, read-write, and says where; when it is mounted already, only says where. The mount
   * outlives the daemon. One call to `unmount` undoes any number of calls: containers own their snapshots alone.
   */
  mount(id: string): Promise<string>
  isMounted(id: string): boolean
  /** Unmounts; idempotent. What still has files open there keeps them (lazy unmount). */
  unmount(id: string): Promise<void>
  /** Removes; resolves when the snapshot is gone for everyone. It is unmounted and its bytes are freed in the background. Idempotent. */
  remove(id: string): Promise<void>
  /** What the container changed, in Docker's order (by path). Mounted or not. */
  changes(id: string): Promise<readonly SnapshotChange[]>
  usage(id: string): Promise<SnapshotUsage>
  /** The changes as an image layer: a tar with whiteouts. Sockets are left out, as by every engine. */
  changesTar(id: string, options?: { signal?: AbortSignal }): Promise<Readable>
  /** Stores the changes as a new layer; the snapshot stays as it is. The caller holds a lease for the result. */
  commit(id: string, options?: CommitOptions): Promise<LayerRecord>
  /** `GraphDriver.Data` of `docker inspect`. */
  describe(id: string): Readonly<Record<string, string>> | null
  /** The layers of a snapshot, lowest first. @throws NotFoundError */
  layers(id: string): readonly Digest[]
  /**
   * At daemon start, with the ids that still have an owner: removes every other snapshot and half-made remains.
   * Snapshots in use stay mounted; a snapshot whose id is in `mountedIds` must stay mounted (its container runs),
   * others of live ids are unmounted. Snapshots made or mounted since the daemon started are left alone: the API is
   * served meanwhile.
   */
  recover(liveIds: ReadonlySet<string>, mountedIds: ReadonlySet<string>): Promise<void>
}
