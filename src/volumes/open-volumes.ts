import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import type { Logger } from '#base/logger.ts'
import { ConflictError, InvalidArgumentError, NotFoundError, errnoOf, messageOf } from '#errors/errors.ts'
import type { EventSink } from '#events/events.ts'
import { syncDirectory } from '#kernel/fs-sync.ts'
import { isMountPoint, mount, umountAll } from '#kernel/mounts.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '#spec/docker/volume.ts'
import type { Database } from '#store/database.ts'
import { directorySize } from './directory-size.ts'
import { checkLocalOptions, localMount } from './local-options.ts'
import { checkListFilters, checkPruneFilters, passesList, passesPrune } from './volume-filters.ts'
import { VolumeStore } from './volume-store.ts'
import type { VolumeRecord } from './volume-store.ts'
import type { Volumes } from './volumes.ts'

export interface VolumesDependencies {
  readonly database: Database
  /** `<data-root>/volumes`: made when absent. */
  readonly directory: string
  readonly events: EventSink
  readonly logger: Logger
}

/** What a volume's directory is renamed to while its files go: no volume can have this name. */
const REMOVED_PREFIX = '.removed-'

/** Marks volumes that were made without a name; dockerd sets it, and clients look at it. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous'

/** Opens the volumes of a data root. Removals that a crash cut short go on in the background. */
export async function openVolumes(dependencies: VolumesDependencies): Promise<Volumes> {
  await mkdir(dependencies.directory, { recursive: true, mode: 0o701 })
  const volumes = new LocalVolumes(dependencies)
  await volumes.finishRemovals()
  return volumes
}

class LocalVolumes implements Volumes {
  readonly #store: VolumeStore
  readonly #directory: string
  readonly #events: EventSink
  readonly #logger: Logger
  readonly #locks = new KeyedLock()

  constructor({ database, directory, events, logger }: VolumesDependencies) {
    this.#store = new VolumeStore(database)
    this.#directory = directory
    this.#events = events
    this.#logger = logger
  }

  async create(request: VolumeCreateRequest): Promise<Volume> {
    const anonymous = (request.Name ?? '') === ''
    const name = anonymous ? newId() : (request.Name as string)
    const driver = request.Driver || 'local'
    checkName(name)
    if (request.ClusterVolumeSpec !== undefined && request.ClusterVolumeSpec !== null) {
      throw new InvalidArgumentError('This node is not a swarm manager: cluster volumes need a swarm')
    }
    const options = request.DriverOpts ?? {}
    return this.#locks.run(name, async () => {
      const existing = this.#store.find(name)
      if (existing !== null && !existing.removing) {
        if (existing.driver !== driver) throw new ConflictError(`create ${name}: volume name must be unique`)
        return this.#view(existing)
      }
      if (driver !== 'local') {
        throw new NotFoundError(
          `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
        )
      }
      prefixed(`create ${name}: `, () => checkLocalOptions(options))
      const labels = { ...request.Labels, ...(anonymous && { [ANONYMOUS_LABEL]: '' }) }
      const record: VolumeRecord = {
        name,
        driver,
        options,
        labels,
        createdAt: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        anonymous,
        removing: false,
      }
      await this.#makeDirectory(name)
      await failpoint('volumes.create.before-record')
      this.#store.insert(record)
      await this.#store.durable()
      this.#publish('create', record)
      return this.#view(record)
    })
  }

  async inspect(name: string): Promise<Volume> {
    return this.#view(this.#require(name))
  }

  async list(filters: Filters): Promise<VolumeListResponse> {
    checkListFilters(filters)
    const users = this.#store.userCounts()
    const listed = this.#store.all().filter((record) => !record.removing)
    const passed = listed.filter((record) => passesList(record, filters, users.has(record.name)))
    return { Volumes: passed.map((record) => this.#view(record)), Warnings: null }
  }

  async remove(name: string, options: { readonly force: boolean }): Promise<void> {
    await this.#locks.run(name, async () => {
      const record = this.#store.find(name)
      if (record === null || record.removing) {
        if (options.force) return
        throw new NotFoundError(`get ${name}: no such volume`)
      }
      const users = this.#store.related('volume_users', name)
      if (users.length > 0) {
        throw new ConflictError(`remove ${name}: volume is in use - [${users.join(', ')}]`)
      }
      await this.#remove(record)
    })
  }

  async prune(
    filters: Filters,
    options: { readonly anonymousOnly: boolean },
  ): Promise<{ VolumesDeleted: readonly string[]; SpaceReclaimed: number }> {
    checkPruneFilters(filters)
    const deleted: string[] = []
    let reclaimed = 0
    for (const { name } of this.#store.all()) {
      await this.#locks.run(name, async () => {
        const record = this.#store.find(name)
        if (record === null || record.removing || (options.anonymousOnly && !record.anonymous)) return
        if (!passesPrune(record, filters) || this.#store.related('volume_users', name).length > 0) return
        const isLocal = Object.keys(record.options).length === 0
        if (isLocal) reclaimed += await directorySize(this.#dataPath(name), new AbortController().signal)
        await this.#remove(record)
        deleted.push(name)
      })
    }
    this.#events.publish({
      type: 'volume',
      action: 'prune',
      id: '',
      attributes: { reclaimed: String(reclaimed) },
    })
    return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed }
  }

  use(name: string, containerId: string): void {
    this.#store.relate('volume_users', name, containerId)
  }

  release(name: string, containerId: string): void {
    this.#store.unrelate('volume_users', name, containerId)
  }

  async mount(name: string, containerId: string): Promise<string> {
    const record = this.#require(name)
    const path = this.#dataPath(name)
    if (Object.keys(record.options).length === 0) return path
    return this.#locks.run(name, async () => {
      this.#store.relate('volume_mounts', name, containerId)
      if (isMountPoint(path)) return path
      const request = await localMount(record.options)
      try {
        if (request !== null) mount(path, request)
      } catch (error) {
        this.#store.unrelate('volume_mounts', name, containerId)
        throw new InvalidArgumentError(
          `failed to mount local volume: mount ${request?.source ?? ''}:${path}, data: ${request?.data ?? ''}: ${messageOf(error)}`,
          { cause: error },
        )
      }
      return path
    })
  }

  async unmount(name: string, containerId: string): Promise<void> {
    const record = this.#store.find(name)
    if (record === null || Object.keys(record.options).length === 0) return
    await this.#locks.run(name, () => {
      this.#store.unrelate('volume_mounts', name, containerId)
      if (this.#store.related('volume_mounts', name).length === 0) umountAll(this.#dataPath(name))
    })
  }

  isAnonymous(name: string): boolean {
    return this.#store.find(name)?.anonymous === true
  }

  async diskUsage(signal: AbortSignal): Promise<readonly Volume[]> {
    const users = this.#store.userCounts()
    const shown: Volume[] = []
    for (const record of this.#store.all().filter((item) => !item.removing)) {
      // What is mounted from elsewhere is not ours to count.
      const isLocal = Object.keys(record.options).length === 0
      const Size = isLocal ? await directorySize(this.#dataPath(record.name), signal) : -1
      const UsageData = { Size, RefCount: users.get(record.name) ?? 0 }
      shown.push({ ...this.#view(record), UsageData })
    }
    return shown
  }

  async recover(runningContainerIds: ReadonlySet<string>): Promise<void> {
    for (const { volume, container } of this.#store.mounts()) {
      if (!runningContainerIds.has(container)) await this.unmount(volume, container)
    }
  }

  /** Goes on where a crash stopped removals, and makes directories that a lost power took. */
  async finishRemovals(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith(REMOVED_PREFIX)) this.#sweep(join(this.#directory, name))
    }
    for (const record of this.#store.all()) {
      if (record.removing) await this.#remove(record)
      else if (!(await exists(this.#dataPath(record.name)))) await this.#makeDirectory(record.name)
    }
  }

  /** The order is the crash safety: intent, files out of the way, record, files. */
  async #remove(record: VolumeRecord): Promise<void> {
    const { name } = record
    umountAll(this.#dataPath(name))
    this.#store.markRemoving(name)
    await this.#store.durable()
    await failpoint('volumes.remove.marked')
    const removed = join(this.#directory, `${REMOVED_PREFIX}${randomBytes(8).toString('hex')}`)
    await rename(join(this.#directory, name), removed).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
    await failpoint('volumes.remove.renamed')
    this.#store.delete(name)
    await this.#store.durable()
    this.#publish('destroy', record)
    this.#sweep(removed)
  }

  #sweep(path: string): void {
    rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      this.#logger.warn('remove files of a volume', { path, error: messageOf(error) })
    })
  }

  async #makeDirectory(name: string): Promise<void> {
    const path = join(this.#directory, name)
    await mkdir(join(path, '_data'), { recursive: true, mode: 0o755 })
    await syncDirectory(path)
    await syncDirectory(this.#directory)
  }

  #dataPath(name: string): string {
    return join(this.#directory, name, '_data')
  }

  #require(name: string): VolumeRecord {
    const record = this.#store.find(name)
    if (record === null || record.removing) throw new NotFoundError(`get ${name}: no such volume`)
    return record
  }

  #view(record: VolumeRecord): Volume {
    return {
      CreatedAt: record.createdAt,
      Driver: record.driver,
      Labels: (Object.keys(record.labels).length === 0 ? null : record.labels) as Volume['Labels'],
      Mountpoint: this.#dataPath(record.name),
      Name: record.name,
      Options: (Object.keys(record.options).length === 0 ? null : record.options) as Volume['Options'],
      Scope: 'local',
    }
  }

  #publish(action: string, record: VolumeRecord): void {
    this.#events.publish({
      type: 'volume',
      action,
      id: record.name,
      attributes: { driver: record.driver },
    })
  }
}

function checkName(name: string): void {
  if (name.length === 1) {
    throw new InvalidArgumentError(
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    )
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) || name.length > 255) {
    throw new InvalidArgumentError(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    )
  }
}

function prefixed(prefix: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new InvalidArgumentError(`${prefix}${messageOf(error)}`, { cause: error })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
