import type { Readable } from 'node:stream'
import { posix } from 'node:path'
import { errnoOf, KernelError, NotFoundError, PermissionDeniedError } from '#errors/errors.ts'
import { resolveUser } from '#runtime/spec/user.ts'
import { readUserDatabase } from '#runtime/user-database.ts'
import type { ArchivePutOptions, Cancellable, PathStat } from '#spec/docker/options.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import { idMapOf } from './id-map-of.ts'
import type { ContainerRecord } from './records.ts'
import { isAlive } from './state.ts'

/** Files in and out of containers: `cp`, `export`. A running container is seen through its own mounts, volumes included. */
export class Files {
  readonly #context: ContainerContext

  constructor(context: ContainerContext) {
    this.#context = context
  }

  /** The whole root file system, without volumes, as Docker. */
  async export(reference: string, options: Cancellable): Promise<Readable> {
    const record = this.#context.records.resolve(reference)
    const root = await this.#context.snapshots.mount(record.id)
    publishContainerEvent(this.#context.events, record, { action: 'export' })
    return this.#context.archives.export(root, { ...options, ids: idMapOf(record, this.#context.defaults) })
  }

  /** `HEAD /containers/{id}/archive`. */
  async statPath(reference: string, path: string): Promise<PathStat> {
    const record = this.#context.records.resolve(reference)
    const place = await this.#place(record, path)
    return await namingContainer({ reference, path }, () =>
      this.#context.archives.stat(place.root, place.path),
    )
  }

  /** `GET /containers/{id}/archive`. */
  async getArchive(
    reference: string,
    path: string,
    options: Cancellable,
  ): Promise<{ stat: PathStat; tar: Readable }> {
    const record = this.#context.records.resolve(reference)
    const place = await this.#place(record, path)
    const archive = await namingContainer({ reference, path }, () =>
      this.#context.archives.read(place.root, place.path, {
        ...options,
        ids: idMapOf(record, this.#context.defaults),
      }),
    )
    publishContainerEvent(this.#context.events, record, { action: 'archive-path' })
    return archive
  }

  /** `PUT /containers/{id}/archive`. @throws PermissionDeniedError when the place is read-only */
  async putArchive(
    reference: string,
    path: string,
    tar: Readable,
    options: ArchivePutOptions,
  ): Promise<void> {
    const record = this.#context.records.resolve(reference)
    const place = await this.#place(record, path)
    if (place.readOnly === 'volume') throw new PermissionDeniedError('mounted volume is marked read-only')
    if (place.readOnly === 'root') throw new PermissionDeniedError('container rootfs is marked read-only')
    const owner = options.copyUidGid ? { owner: await this.#owner(record) } : {}
    const { noOverwriteDirNonDir, signal } = options
    const ids = idMapOf(record, this.#context.defaults)
    await namingContainer({ reference, path }, () =>
      this.#context.archives.extract(place.root, place.path, tar, {
        noOverwriteDirNonDir,
        ids,
        ...owner,
        signal,
      }),
    )
    publishContainerEvent(this.#context.events, record, { action: 'extract-to-dir' })
  }

  /** The ids of the user that the container runs as, by the names of its own files. */
  async #owner(record: ContainerRecord): Promise<{ readonly uid: number; readonly gid: number }> {
    const root = isAlive(record.state)
      ? `/proc/${record.state.pid}/root`
      : await this.#context.snapshots.mount(record.id)
    return resolveUser(record.config.User ?? '', [], readUserDatabase(root))
  }

  /** A root and a path beneath it: the live container's, or the mount of a stopped one that the path lies in. */
  async #place(
    record: ContainerRecord,
    path: string,
  ): Promise<{ root: string; path: string; readOnly: 'no' | 'root' | 'volume' }> {
    const absolute = keepEnding(path, posix.resolve('/', path))
    const mount = record.mounts
      .filter(({ destination }) => absolute === destination || absolute.startsWith(`${destination}/`))
      .sort((a, b) => b.destination.length - a.destination.length)[0]
    const readOnly =
      mount !== undefined
        ? mount.readOnly
          ? 'volume'
          : 'no'
        : record.hostConfig.ReadonlyRootfs === true
          ? 'root'
          : 'no'
    if (isAlive(record.state)) return { root: `/proc/${record.state.pid}/root`, path: absolute, readOnly }
    if (mount !== undefined && mount.destination !== posix.resolve('/', path)) {
      const inside = absolute.slice(mount.destination.length)
      if (mount.type === 'volume') {
        const root = await this.#context.volumes.mount(mount.name, record.id)
        return { root, path: posix.join('/', mount.subpath, inside), readOnly }
      }
      if (mount.type === 'bind') return { root: mount.source, path: inside, readOnly }
    }
    return { root: await this.#context.snapshots.mount(record.id), path: absolute, readOnly }
  }
}

/** `/x/` and `/x/.` (or `/x/./`) mean the directory's content: the ending is kept. */
function keepEnding(path: string, resolved: string): string {
  const dotted = /(^|\/)\.\/?$/.test(path)
  if (resolved === '/') return dotted ? '/.' : '/'
  if (dotted) return `${resolved}/.`
  return path.endsWith('/') ? `${resolved}/` : resolved
}

/**
 * `Could not find the file /x` goes on with ` in container NAME`, as the user named it. A path through something that is no
 * directory is not "missing": dockerd says what it is, and answers 500.
 */
async function namingContainer<T>(
  { reference, path }: { readonly reference: string; readonly path: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (errnoOf(cause) === 'ENOTDIR')
      throw new KernelError('lstat', 'ENOTDIR', { path, detail: 'not a directory', cause })
    if (!(cause instanceof NotFoundError)) throw cause
    throw new NotFoundError(`${cause.message} in container ${reference}`, { cause })
  }
}
