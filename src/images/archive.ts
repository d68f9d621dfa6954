import type { Readable } from 'node:stream'
import type { IdMap, Owner } from '#base/id-map.ts'
import type { ViewMount } from '#kernel/mount-view.ts'

/**
 * A root file system that is mounted: a snapshot's with what a container's mounts would show in it, or
 * `/proc/<pid>/root` of a running container, which shows them already.
 */
export interface RootView {
  readonly root: string
  readonly mounts?: readonly ViewMount[]
}

/** What `HEAD /containers/{id}/archive` says of a path (`X-Docker-Container-Path-Stat`). */
export interface PathStat {
  readonly name: string
  readonly size: number
  /** Go's `os.FileMode` bits: type bits high up, permission below. */
  readonly mode: number
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string
  readonly linkTarget: string
}

export interface ExtractOptions {
  /** Refuse to replace a directory by a file and the other way round. */
  readonly noOverwriteDirNonDir?: boolean
  /** Whom all files shall belong to (`copyUIDGID`: the container's user); else as the archive says. */
  readonly owner?: Owner
  /** The user namespace of the container whose files these are; ids of archives are ids inside it. */
  readonly ids?: IdMap | null
  readonly signal?: AbortSignal
}

export interface ReadOptions {
  /** As for `ExtractOptions`. */
  readonly ids?: IdMap | null
  readonly signal?: AbortSignal
}

/**
 * Files in and out of a root file system, given by its path or as a view. Every path is resolved beneath `root` by the kernel (openat2,
 * RESOLVE_IN_ROOT), so no link in the root leads out of it. Work happens on a worker thread.
 */
export interface Archives {
  /** @throws NotFoundError in Docker's words when the path does not exist. */
  stat(view: string | RootView, path: string): Promise<PathStat>
  /**
   * A tar of the path, its entries named from the path's base name (`/etc/` gives `etc/…`, `/etc/.` gives `./…`),
   * as `docker cp` wants it. A link at the end of the path is followed only when the path ends in `/` or `/.`.
   * @throws NotFoundError
   */
  read(
    view: string | RootView,
    path: string,
    options?: ReadOptions,
  ): Promise<{ stat: PathStat; tar: Readable }>
  /**
   * Unpacks a tar, compressed in any way that `Layers.ingest` knows, into the directory `path`.
   * @throws NotFoundError when it does not exist; InvalidArgumentError when it is no directory or the tar is bad.
   */
  extract(
    view: string | RootView,
    path: string,
    tar: AsyncIterable<Uint8Array>,
    options?: ExtractOptions,
  ): Promise<void>
  /** As `Layers.inflated`. */
  inflated(source: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Readable
  /** The whole root as one tar, for `docker export`. */
  export(root: string, options?: ReadOptions): Readable
}
