import type { KeyedLock } from '#base/keyed-lock.ts'
import type { Logger } from '#base/logger.ts'
import type { EventSink } from '#events/events.ts'
import type { Archives } from '#images/archive.ts'
import type { Images } from '#images/image-service.ts'
import type { Snapshots } from '#images/snapshots.ts'
import type { Networks } from '#network/networks.ts'
import type { Plugins } from '#plugins/plugins.ts'
import type { Runtime } from '#runtime/runtime.ts'
import type { Database } from '#store/database.ts'
import type { Volumes } from '#volumes/volumes.ts'
import type { ContainerDefaults } from './create/defaults.ts'
import type { LogDrivers } from './logs/log-drivers.ts'
import type { RecordStore } from './record-store.ts'
import type { StdioHubs } from './stdio/stdio-hub.ts'
import type { Waiters } from './waiters.ts'

/** What containers are made of: the areas below, as `daemon/compose.ts` hands them over. */
export interface ContainerDependencies {
  readonly database: Database
  /** `<data-root>/containers`: one directory for each container. */
  readonly directory: string
  readonly images: Images
  readonly snapshots: Snapshots
  readonly archives: Archives
  readonly volumes: Volumes
  readonly plugins: Plugins
  /** Variables of the daemon that log drivers of clouds take credentials from. */
  readonly logEnvironment: Readonly<Record<string, string>>
  readonly networks: Networks
  readonly runtime: Runtime
  readonly events: EventSink
  readonly logger: Logger
  readonly defaults: ContainerDefaults
}

/** What the services of this area share. Each takes the part that it uses. */
export interface ContainerContext extends ContainerDependencies {
  readonly records: RecordStore
  readonly logDrivers: LogDrivers
  readonly waiters: Waiters
  readonly stdio: StdioHubs
  /** One change of a container's state at a time, by full id. */
  readonly locks: KeyedLock
}
