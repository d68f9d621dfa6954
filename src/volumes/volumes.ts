import type { Filters } from '#spec/docker/filters.ts'
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '#spec/docker/volume.ts'

/**
 * Volumes: directories that outlive containers. Names follow Docker's pattern `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
 *
 * A container *uses* a volume from its creation to its removal, and *mounts* it while it runs. Both are kept in the
 * database by the pair of names, so that doing one twice is harmless and a crash between does not count twice.
 */
export interface Volumes {
  /** Makes a volume durably, or gives the existing one when driver and options agree.
   *  An empty name makes an anonymous volume (64 hexadecimal characters, label `com.docker.volume.anonymous`).
   *  @throws ConflictError when it exists with another driver. */
  create(request: VolumeCreateRequest): Promise<Volume>
  /** @throws NotFoundError `get <name>: no such volume` */
  inspect(name: string): Promise<Volume>
  list(filters: Filters): Promise<VolumeListResponse>
  /** @throws ConflictError while a container uses it, NotFoundError unless forced. */
  remove(name: string, options: { readonly force: boolean }): Promise<void>
  prune(
    filters: Filters,
    options: { readonly anonymousOnly: boolean },
  ): Promise<{ VolumesDeleted: readonly string[]; SpaceReclaimed: number }>

  /** Records that a container uses the volume; idempotent. */
  use(name: string, containerId: string): void
  /** Forgets it; idempotent. */
  release(name: string, containerId: string): void
  /** Makes the volume's files available and gives the directory to bind into the container; idempotent. */
  mount(name: string, containerId: string): Promise<string>
  /** The container has stopped; the last one unmounts (options `type`, `o`, `device`). Idempotent, never throws for what is gone. */
  unmount(name: string, containerId: string): Promise<void>
  /** Tells whether the volume was made without a name. */
  isAnonymous(name: string): boolean
  /** The names of the drivers that were used since the start, `local` first. */
  drivers(): readonly string[]
  /** Volumes whose bytes are the daemon's to count, with `UsageData`, for `/system/df`. */
  diskUsage(signal: AbortSignal): Promise<readonly Volume[]>
  /** After a restart of the daemon: mounts of containers that no longer run are let go. */
  recover(runningContainerIds: ReadonlySet<string>): Promise<void>
}
