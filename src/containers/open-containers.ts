import { chownSync, mkdirSync } from 'node:fs'
import { mappedRoot } from '#base/id-map.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import type { ImageUser } from '#images/image-service.ts'
import { Checkpoints } from './checkpoints.ts'
import type { ContainerContext, ContainerDependencies } from './context.ts'
import { ContainerBackend } from './container-backend.ts'
import { Creation } from './create/create-container.ts'
import { Editing } from './editing.ts'
import { ExecBackend } from './exec/exec-backend.ts'
import { Execs } from './exec/execs.ts'
import { Files } from './files.ts'
import { Queries } from './list/queries.ts'
import { HealthMonitors } from './health/health-monitors.ts'
import { actOnFailure } from './health/on-failure.ts'
import { ContainerLogs } from './logs/container-logs.ts'
import { LogDrivers } from './logs/log-drivers.ts'
import { sinkFactory } from './logs/sink-factory.ts'
import { NetworkAttachments } from './network-attachments.ts'
import { RecordStore } from './record-store.ts'
import type { ContainerRecord } from './records.ts'
import { recoverRecords, resumeRuns, type Recovered } from './recover.ts'
import { Removing } from './removing.ts'
import { Runs } from './runs.ts'
import { isRunning } from './state.ts'
import { StdioHubs } from './stdio/stdio-hub.ts'
import { Stopping } from './stopping.ts'
import { Waiters } from './waiters.ts'

/** The containers of a daemon, put together. */
export interface Containers {
  /** `/containers/…` of the API. */
  readonly backend: ContainerBackend
  /** `/exec/…` of the API. */
  readonly execs: ExecBackend
  /** `network connect` and `disconnect`. */
  readonly attachments: NetworkAttachments
  /** The containers made from an image, for its removal. */
  usersOf(imageId: string): readonly ImageUser[]
  /** What was found of containers at the start; call first. The areas below recover with it. */
  recover(): Promise<Recovered>
  /** Goes on with the containers found; call when the areas below have recovered. */
  resume(recovered: Recovered): Promise<void>
  readonly checkpoints: Checkpoints
  /** Finds a container for others (commit). @throws NotFoundError */
  readonly records: RecordStore
  /** Freezes and thaws, for commit. */
  readonly stopping: Stopping
  /** Stops what this daemon does for containers; they go on. */
  close(): Promise<void>
}

/** Puts the services of this area together. Nothing is touched before `recover`. */
export function openContainers(dependencies: ContainerDependencies): Containers {
  mkdirSync(dependencies.directory, { recursive: true, mode: 0o710 })
  const { remap } = dependencies.defaults
  // The root of a user namespace goes through it to the files of /etc.
  if (remap !== null) chownSync(dependencies.directory, 0, mappedRoot(remap).gid)
  const records = new RecordStore(dependencies.database)
  const context: ContainerContext = {
    ...dependencies,
    records,
    logDrivers: new LogDrivers({
      plugins: dependencies.plugins,
      directory: dependencies.directory,
      environment: dependencies.logEnvironment,
    }),
    waiters: new Waiters(),
    stdio: new StdioHubs((id) => dependencies.runtime.attach(id)),
    locks: new KeyedLock(),
  }
  const ready = Promise.withResolvers<void>()
  const runs = new Runs(context)
  const stopping = new Stopping(context, runs)
  const removing = new Removing(context, { runs, stopping })
  const logs = new ContainerLogs(context.directory, {
    logger: context.logger,
    drivers: context.logDrivers,
    sinkOf: sinkFactory(context.logDrivers, context),
  })
  runs.listen(logs)
  const health = new HealthMonitors(context, {
    onUnhealthy: (record) => void actOnFailure(record, { stopping, logger: context.logger }),
  })
  runs.listen(health)
  const execs = new Execs(context)
  runs.listen({ ended: ({ id }) => execs.forgetUnstarted(id) })
  const checkpoints = new Checkpoints(context)
  removing.listen((id) => {
    execs.forgetContainer(id)
    logs.forget(id)
  })
  return {
    backend: new ContainerBackend(context, {
      creation: new Creation(context),
      runs,
      stopping,
      removing,
      editing: new Editing(context),
      queries: new Queries(context, { execIds: (id) => execs.idsOf(id) }),
      files: new Files(context),
      checkpoints,
      logs,
      ready: ready.promise,
    }),
    execs: new ExecBackend(execs, ready.promise),
    attachments: new NetworkAttachments(context),
    checkpoints,
    records,
    stopping,
    usersOf: (imageId) =>
      [...records.all()]
        .filter((record) => usesImage(record, imageId))
        .map((record) => ({ containerId: record.id, running: isRunning(record.state) })),
    recover: () => recoverRecords(context),
    async resume(recovered) {
      await resumeRuns(context, runs, recovered)
      for (const record of records.all()) logs.found(record)
      ready.resolve()
    },
    async close() {
      runs.close()
      health.close()
      await removing.settled()
      await logs.close()
    },
  }
}

function usesImage(record: ContainerRecord, imageId: string): boolean {
  return (
    record.imageId === imageId ||
    record.mounts.some((mount) => mount.type === 'image' && mount.imageId === imageId)
  )
}
