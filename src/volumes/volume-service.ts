import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import type { Logger } from '#base/logger.ts'
import { ConflictError, NotFoundError, UnavailableError, messageOf } from '#errors/errors.ts'
import type { EventSink } from '#events/events.ts'
import { PluginError, PluginUnreachableError } from '#plugins/plugin-error.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '#spec/docker/volume.ts'
import { directorySize } from './directory-size.ts'
import type { LocalDriver } from './local-driver.ts'
import { PluginDriver } from './plugin-driver.ts'
import type { DriverVolume, VolumeDriver } from './volume-driver.ts'
import type { VolumeDrivers } from './volume-drivers.ts'
import { checkListFilters, checkPruneFilters, passesList, passesPrune } from './volume-filters.ts'
import type { VolumeRecord, VolumeStore } from './volume-store.ts'
import { localView, pluginView } from './volume-view.ts'
import type { Volumes } from './volumes.ts'

/** Marks volumes that were made without a name; dockerd sets it, and clients look at it. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous'

export interface VolumeServiceParts {
  readonly store: VolumeStore
  readonly local: LocalDriver
  readonly drivers: VolumeDrivers
  readonly events: EventSink
  readonly logger: Logger
}

/** Volumes of all drivers: what is recorded of them, who uses them, and who has them mounted. */
export class VolumeService implements Volumes {
  readonly #store: VolumeStore
  readonly #local: LocalDriver
  readonly #drivers: VolumeDrivers
  readonly #events: EventSink
  readonly #logger: Logger
  readonly #locks = new KeyedLock()

  constructor({ store, local, drivers, events, logger }: VolumeServiceParts) {
    this.#store = store
    this.#local = local
    this.#drivers = drivers
    this.#events = events
    this.#logger = logger
  }

  async create(request: VolumeCreateRequest): Promise<Volume> {
    const anonymous = (request.Name ?? '') === ''
    const name = anonymous ? newId() : (request.Name as string)
    if (request.ClusterVolumeSpec !== undefined && request.ClusterVolumeSpec !== null) {
      throw new UnavailableError(
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      )
    }
    // A volume that its plugin has lost is made there again, and not here.
    const wanted = request.Driver || (this.#pluginOf(name) ?? '')
    return this.#locks.run(name, async () => {
      const existing = anonymous ? null : await this.#existing(name, wanted)
      if (existing !== null) return existing
      const found = anonymous || wanted !== '' ? null : await this.#drivers.look(name)
      const driver = found?.driver ?? (await this.#driverFor(name, wanted || 'local'))
      const options = request.DriverOpts ?? {}
      driver.check(name, options)
      const record: VolumeRecord = {
        name,
        driver: driver.name,
        options,
        labels: { ...request.Labels, ...(anonymous && { [ANONYMOUS_LABEL]: '' }) },
        createdAt: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        anonymous,
        removing: false,
      }
      const said = found?.volume ?? (await make(driver, record))
      await failpoint('volumes.create.before-record')
      this.#store.insert(record)
      await this.#store.durable()
      this.#publish('create', record)
      return this.#view(record, { driver, said })
    })
  }

  async inspect(name: string): Promise<Volume> {
    const { record, driver, said } = await this.#find(name, { retry: false })
    return this.#view(record, { driver, said })
  }

  async list(filters: Filters): Promise<VolumeListResponse> {
    checkListFilters(filters)
    const users = this.#store.userCounts()
    const records = this.#store.all().filter((record) => !record.removing)
    const passes = (record: VolumeRecord): boolean => passesList(record, filters, users.has(record.name))
    const local = records.filter(({ driver }) => driver === 'local')
    const listed = local
      .filter(passes)
      .map((record) => localView(record, this.#local.mountpoint(record.name)))
    const theirs = records.filter(({ driver }) => driver !== 'local')
    const { volumes, warnings } = await this.#listPlugins(theirs, passes)
    return { Volumes: [...listed, ...volumes], Warnings: warnings.length === 0 ? null : warnings }
  }

  async remove(name: string, options: { readonly force: boolean }): Promise<void> {
    await this.#locks.run(name, async () => {
      let found
      try {
        found = await this.#find(name, {})
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error
        // What its plugin has lost is not kept here either.
        if (this.#store.find(name)?.removing === false) this.#store.delete(name)
        if (options.force) return
        throw error
      }
      const users = this.#store.related('volume_users', name)
      if (users.length > 0) {
        throw new ConflictError(`remove ${name}: volume is in use - [${users.join(', ')}]`)
      }
      await this.#remove(found.record, found.driver)
    })
  }

  async prune(
    filters: Filters,
    options: { readonly anonymousOnly: boolean },
  ): Promise<{ VolumesDeleted: readonly string[]; SpaceReclaimed: number }> {
    checkPruneFilters(filters)
    const deleted: string[] = []
    let reclaimed = 0
    for (const { name } of this.#store.all().filter(isPlain)) {
      await this.#locks.run(name, async () => {
        const record = this.#store.find(name)
        if (record === null || record.removing || (options.anonymousOnly && !record.anonymous)) return
        if (!passesPrune(record, filters) || this.#store.related('volume_users', name).length > 0) return
        reclaimed += await directorySize(this.#local.mountpoint(name), new AbortController().signal)
        await this.#remove(record, this.#local)
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
    if (isPlain(record)) return this.#local.mountpoint(name)
    return this.#locks.run(name, async () => {
      const driver = await this.#driverOf(record)
      this.#store.relate('volume_mounts', name, containerId)
      await failpoint('volumes.mount.recorded')
      try {
        const path = await driver.mount(record, containerId)
        await failpoint('volumes.mount.mounted')
        return path
      } catch (error) {
        // One that gave no answer may have mounted it: it is told to unmount later.
        if (!(error instanceof PluginUnreachableError)) {
          this.#store.unrelate('volume_mounts', name, containerId)
        }
        throw error
      }
    })
  }

  async unmount(name: string, containerId: string): Promise<void> {
    const record = this.#store.find(name)
    if (record === null || isPlain(record)) return
    await this.#locks.run(name, async () => {
      await this.#unmount(record, { driver: await this.#driverOf(record), id: containerId })
    })
  }

  isAnonymous(name: string): boolean {
    return this.#store.find(name)?.anonymous === true
  }

  drivers(): readonly string[] {
    return this.#drivers.known()
  }

  async diskUsage(signal: AbortSignal): Promise<readonly Volume[]> {
    const users = this.#store.userCounts()
    const shown: Volume[] = []
    // What lies elsewhere is not ours to count, and Docker does not show it.
    for (const record of this.#store.all().filter((item) => !item.removing && isPlain(item))) {
      const path = this.#local.mountpoint(record.name)
      const UsageData = { Size: await directorySize(path, signal), RefCount: users.get(record.name) ?? 0 }
      shown.push({ ...localView(record, path), UsageData })
    }
    return shown
  }

  async recover(runningContainerIds: ReadonlySet<string>): Promise<void> {
    for (const { volume, container } of this.#store.mounts()) {
      if (runningContainerIds.has(container)) continue
      const unmounted = this.#settle(volume, container).catch((error: unknown) => {
        this.#logger.warn('unmount a volume of a container that has ended', {
          volume,
          container,
          error: messageOf(error),
        })
      })
      // A plugin that is down must not keep the daemon from its work: it is told when it can be, or at the next start.
      if (this.#store.find(volume)?.driver === 'local') await unmounted
    }
  }

  /** Goes on where a crash stopped removals, and makes directories that a lost power took. */
  async finishRemovals(): Promise<void> {
    for (const record of this.#store.all().filter(({ driver }) => driver === 'local')) {
      if (record.removing) await this.#remove(record, this.#local)
      else await this.#local.restore(record.name)
    }
  }

  async #unmount(
    { name }: VolumeRecord,
    { driver, id }: { readonly driver: VolumeDriver; readonly id: string },
  ): Promise<void> {
    const mounted = this.#store.related('volume_mounts', name)
    if (!mounted.includes(id)) return
    await driver.unmount(name, { id, isLast: mounted.length === 1 })
    await failpoint('volumes.unmount.unmounted')
    this.#store.unrelate('volume_mounts', name, id)
  }

  /** Unmounts what may or may not have been mounted when the last daemon died: a plugin that knows of no mount may say so. */
  async #settle(volume: string, id: string): Promise<void> {
    const record = this.#store.find(volume)
    if (record === null) return
    await this.#locks.run(volume, async () => {
      await this.#unmount(record, { driver: await this.#driverOf(record), id }).catch(ignoreRefusal)
      this.#store.unrelate('volume_mounts', volume, id)
    })
  }

  /** The volume of this name, if its driver still has it. @throws ConflictError when it is of another driver than the wanted */
  async #existing(name: string, wanted: string): Promise<Volume | null> {
    const record = this.#store.find(name)
    if (record === null) return null
    if (record.driver === 'local') {
      refuseOther(record, wanted)
      return localView(record, this.#local.mountpoint(name))
    }
    const driver = await this.#driverFor(name, record.driver)
    const said = driver instanceof PluginDriver ? await driver.find(name) : null
    if (said === null) {
      this.#store.delete(name)
      return null
    }
    refuseOther(record, wanted)
    return this.#view(record, { driver, said })
  }

  #pluginOf(name: string): string | null {
    const driver = this.#store.find(name)?.driver ?? 'local'
    return driver === 'local' ? null : driver
  }

  async #driverFor(name: string, driver: string): Promise<VolumeDriver> {
    try {
      return await this.#drivers.get(driver)
    } catch (error) {
      throw rephrased(error, `create ${name}: error looking up volume plugin ${driver}: ${messageOf(error)}`)
    }
  }

  #driverOf(record: VolumeRecord): Promise<VolumeDriver> {
    return this.#drivers.get(record.driver)
  }

  /** A volume that is recorded, or that a plugin tells of. @throws NotFoundError `get <name>: no such volume` */
  async #find(
    name: string,
    options: { readonly retry?: boolean },
  ): Promise<{ record: VolumeRecord; driver: VolumeDriver; said: DriverVolume | null }> {
    const record = this.#store.find(name)
    if (record === null || record.removing) {
      const found = record === null ? await this.#drivers.look(name) : null
      if (found === null) throw new NotFoundError(`get ${name}: no such volume`)
      return { record: foreign(name, found.driver.name), driver: found.driver, said: found.volume }
    }
    if (record.driver === 'local') return { record, driver: this.#local, said: null }
    let driver: PluginDriver
    let said: DriverVolume | null
    try {
      driver = await this.#drivers.plugin(record.driver)
      said = await driver.find(name, options)
    } catch (error) {
      throw new PluginUnreachableError(
        `get ${name}: error while checking if volume ${JSON.stringify(name)} exists in driver ${JSON.stringify(record.driver)}: ${messageOf(error)}`,
        { plugin: record.driver, method: 'VolumeDriver.Get', cause: error },
      )
    }
    if (said === null) throw new NotFoundError(`get ${name}: no such volume`)
    return { record, driver, said }
  }

  /** What plugins say that they have; of one that does not answer, what is recorded. */
  async #listPlugins(
    records: readonly VolumeRecord[],
    passes: (record: VolumeRecord) => boolean,
  ): Promise<{ volumes: readonly Volume[]; warnings: readonly string[] }> {
    const volumes: Volume[] = []
    const warnings: string[] = []
    const answered = new Set<string>()
    const byName = new Map(records.map((record) => [record.name, record]))
    const show = (record: VolumeRecord, scope: 'local' | 'global', said: DriverVolume | null): void => {
      if (passes(record)) volumes.push(pluginView(record, { scope, said }))
    }
    for (const driver of await this.#drivers.answering()) {
      try {
        for (const said of await driver.list()) {
          const record = byName.get(said.name)
          const own = record?.driver === driver.name ? record : foreign(said.name, driver.name)
          // Lists do not show the state and the age of volumes.
          show(own, driver.scope, { ...said, createdAt: '', status: null })
        }
        answered.add(driver.name)
      } catch (error) {
        warnings.push(`list ${driver.name}: ${messageOf(error)}`)
      }
    }
    for (const record of records) if (!answered.has(record.driver)) show(record, 'local', null)
    return { volumes, warnings }
  }

  async #remove(record: VolumeRecord, driver: VolumeDriver): Promise<void> {
    const { name } = record
    if (driver === this.#local) {
      this.#store.markRemoving(name)
      await this.#store.durable()
      await failpoint('volumes.remove.marked')
    }
    for (const id of this.#store.related('volume_mounts', name)) {
      await this.#unmount(record, { driver, id }).catch(ignoreRefusal)
    }
    try {
      await driver.remove(name)
    } catch (error) {
      throw rephrased(error, `remove ${name}: ${messageOf(error)}`)
    }
    await failpoint('volumes.remove.before-forget')
    this.#store.delete(name)
    await this.#store.durable()
    this.#publish('destroy', record)
  }

  #require(name: string): VolumeRecord {
    const record = this.#store.find(name)
    if (record === null || record.removing) throw new NotFoundError(`get ${name}: no such volume`)
    return record
  }

  #view(
    record: VolumeRecord,
    { driver, said }: { readonly driver: VolumeDriver; readonly said: DriverVolume | null },
  ): Volume {
    if (driver === this.#local) return localView(record, this.#local.mountpoint(record.name))
    return pluginView(record, { scope: driver.scope, said })
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

/** A directory of ours and nothing else: nothing is to be mounted, and its bytes are ours to count. */
function isPlain(record: VolumeRecord): boolean {
  return record.driver === 'local' && Object.keys(record.options).length === 0
}

/** A volume that a plugin has and that was not made through us. */
function foreign(name: string, driver: string): VolumeRecord {
  return { name, driver, options: {}, labels: {}, createdAt: '', anonymous: false, removing: false }
}

/** What the driver has by that name, or else makes: null when it was made now. */
async function make(driver: VolumeDriver, record: VolumeRecord): Promise<DriverVolume | null> {
  try {
    const said = driver instanceof PluginDriver ? await driver.find(record.name) : null
    if (said === null) await driver.create(record.name, record.options)
    return said
  } catch (error) {
    throw rephrased(error, `create ${record.name}: ${messageOf(error)}`)
  }
}

/** A plugin that answers has heard it; one that does not must be asked again. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof PluginError) || error instanceof PluginUnreachableError) throw error
}

function refuseOther(record: VolumeRecord, wanted: string): void {
  if (wanted === '' || wanted === record.driver) return
  throw new ConflictError(
    `create ${record.name}: driver '${record.driver}' already has volume '${record.name}': volume name must be unique`,
  )
}

/** The same error in other words. */
function rephrased(error: unknown, message: string): unknown {
  if (error instanceof NotFoundError) return new NotFoundError(message, { cause: error })
  if (!(error instanceof PluginError)) return error
  const { plugin, method } = error
  const facts = { plugin, method, cause: error }
  return error instanceof PluginUnreachableError
    ? new PluginUnreachableError(message, facts)
    : new PluginError(message, facts)
}
