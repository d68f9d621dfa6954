import { mkdir } from 'node:fs/promises'
import type { Owner } from '#base/id-map.ts'
import type { Logger } from '#base/logger.ts'
import type { EventSink } from '#events/events.ts'
import type { Plugins } from '#plugins/plugins.ts'
import type { Database } from '#store/database.ts'
import { LocalDriver } from './local-driver.ts'
import { VolumeDrivers } from './volume-drivers.ts'
import { VolumeService } from './volume-service.ts'
import { VolumeStore } from './volume-store.ts'
import type { Volumes } from './volumes.ts'

export interface VolumesDependencies {
  readonly database: Database
  /** `<data-root>/volumes`: made when absent. */
  readonly directory: string
  /** Whom new volumes belong to: root, of the host or of its user namespace. Default the host's. */
  readonly owner?: Owner
  readonly plugins: Plugins
  readonly events: EventSink
  readonly logger: Logger
}

/** Opens the volumes of a data root. Removals that a crash cut short go on in the background. */
export async function openVolumes(dependencies: VolumesDependencies): Promise<Volumes> {
  const { database, directory, owner = { uid: 0, gid: 0 }, plugins, events, logger } = dependencies
  await mkdir(directory, { recursive: true, mode: 0o701 })
  const local = new LocalDriver(directory, { owner, logger })
  const service = new VolumeService({
    store: new VolumeStore(database),
    local,
    drivers: new VolumeDrivers(local, plugins),
    events,
    logger,
  })
  await local.sweep()
  await service.finishRemovals()
  return service
}
