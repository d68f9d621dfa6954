import type { Readable } from 'node:stream'
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { newId } from '#base/ids.ts'
import { errnoOf, KernelError, NotFoundError, PermissionDeniedError } from '#errors/errors.ts'
import type { RootView } from '#images/archive.ts'
import type { ViewMount } from '#kernel/mount-view.ts'
import { findBeneath, makeDirectoryBeneath } from '#kernel/paths.ts'
import { resolveUser } from '#runtime/spec/user.ts'
import { readUserDatabase } from '#runtime/user-database.ts'
import type { ArchivePutOptions, Cancellable, PathStat } from '#spec/docker/options.ts'
import { publishContainerEvent } from './container-events.ts'
import { containerPaths } from './container-paths.ts'
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
    await using view = await this.#view(record)
    return await namingContainer({ reference, path }, () => this.#context.archives.stat(view, absolute(path)))
  }

  /** `GET /containers/{id}/archive`. */
  async getArchive(
    reference: string,
    path: string,
    options: Cancellable,
  ): Promise<{ stat: PathStat; tar: Readable }> {
    const record = this.#context.records.resolve(reference)
    const view = await this.#view(record)
    try {
      const archive = await namingContainer({ reference, path }, () =>
        this.#context.archives.read(view, absolute(path), {
          ...options,
          ids: idMapOf(record, this.#context.defaults),
        }),
      )
      archive.tar.once('close', () => void view[Symbol.asyncDispose]())
      publishContainerEvent(this.#context.events, record, { action: 'archive-path' })
      return archive
    } catch (error) {
      await view[Symbol.asyncDispose]()
      throw error
    }
  }

  /** `PUT /containers/{id}/archive`. @throws PermissionDeniedError when the place is read-only */
  async putArchive(
    reference: string,
    path: string,
    tar: Readable,
    options: ArchivePutOptions,
  ): Promise<void> {
    const record = this.#context.records.resolve(reference)
    const place = absolute(path)
    assertWritable(record, place)
    await using view = await this.#view(record)
    const owner = options.copyUidGid && record.config.User ? { owner: this.#owner(record, view.root) } : {}
    const { noOverwriteDirNonDir, signal } = options
    const ids = idMapOf(record, this.#context.defaults)
    await namingContainer({ reference, path }, () =>
      this.#context.archives.extract(view, place, tar, {
        noOverwriteDirNonDir,
        ids,
        ...owner,
        signal,
      }),
    )
    publishContainerEvent(this.#context.events, record, { action: 'extract-to-dir' })
  }

  /** The ids of the user that the container runs as, by the names of its own files. */
  #owner(record: ContainerRecord, root: string): { readonly uid: number; readonly gid: number } {
    return resolveUser(record.config.User ?? '', [], readUserDatabase(root))
  }

  /** What the container sees: a live one by its own eyes, a stopped one with its volumes and binds where they will be. */
  async #view(record: ContainerRecord): Promise<RootView & AsyncDisposable> {
    if (isAlive(record.state)) {
      return { root: `/proc/${record.state.pid}/root`, [Symbol.asyncDispose]: () => Promise.resolve() }
    }
    const { snapshots, volumes } = this.#context
    const holder = `${record.id}-files-${newId().slice(0, 12)}`
    const held: string[] = []
    const release = async (): Promise<void> => {
      for (const name of held) await volumes.unmount(name, holder)
    }
    try {
      const root = await snapshots.mount(record.id)
      const mounts: ViewMount[] = etcMounts(record, this.#context.directory)
      makeWorkingDirectory(record, root)
      for (const mount of record.mounts) {
        const { destination, readOnly } = mount
        if (mount.type === 'bind' && existsSync(mount.source)) {
          mounts.push({ source: mount.source, destination, readOnly })
        } else if (mount.type === 'volume') {
          held.push(mount.name)
          const volume = await volumes.mount(mount.name, holder)
          const source = mount.subpath === '' ? volume : findBeneath(volume, mount.subpath)
          if (source !== null) mounts.push({ source, destination, readOnly })
        }
      }
      return { root, mounts: mounts.toSorted(byDepth), [Symbol.asyncDispose]: release }
    } catch (error) {
      await release()
      throw error
    }
  }
}

/** The files of /etc that the last run was given. A mount of the user's own goes on top. */
function etcMounts(record: ContainerRecord, directory: string): ViewMount[] {
  const { resolvConf, hostname, hosts } = containerPaths(directory, record.id)
  return Object.entries({ '/etc/resolv.conf': resolvConf, '/etc/hostname': hostname, '/etc/hosts': hosts })
    .filter(([destination]) => record.mounts.every((mount) => mount.destination !== destination))
    .filter(([, source]) => existsSync(source))
    .map(([destination, source]) => ({ source, destination, readOnly: false }))
}

/** A container that was never started has its working directory too: it is made when somebody looks. */
function makeWorkingDirectory(record: ContainerRecord, root: string): void {
  const path = record.config.WorkingDir ?? ''
  if (record.state.status !== 'created' || path === '' || findBeneath(root, path) !== null) return
  makeDirectoryBeneath(root, path)
}

function byDepth(a: ViewMount, b: ViewMount): number {
  return a.destination.split('/').length - b.destination.split('/').length
}

/** Looks at the place that is named; a link that leads into a read-only mount fails in the kernel. */
function assertWritable(record: ContainerRecord, path: string): void {
  const clean = posix.resolve('/', path)
  const mount = record.mounts
    .filter(({ destination }) => clean === destination || clean.startsWith(`${destination}/`))
    .sort((a, b) => b.destination.length - a.destination.length)[0]
  if (mount?.readOnly === true) throw new PermissionDeniedError('mounted volume is marked read-only')
  if (mount === undefined && record.hostConfig.ReadonlyRootfs === true) {
    throw new PermissionDeniedError('container rootfs is marked read-only')
  }
}

function absolute(path: string): string {
  return keepEnding(path, posix.resolve('/', path))
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
