import type { Readable } from 'node:stream'
import type * as C from '#spec/docker/container.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { PublishRequest, Resources, RestartPolicy } from '#spec/docker/host-config.ts'
import type * as O from '#spec/docker/options.ts'
import type { ContainerCreateRequest } from '#spec/docker/requests.ts'
import type { ContainerStatsResponse } from '#spec/docker/stats.ts'
import type { LogStream, StdioSession } from '#spec/docker/streams.ts'
import { attach } from './attach.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { ContainerContext } from './context.ts'
import type { Creation } from './create/create-container.ts'
import type { Editing } from './editing.ts'
import type { Files } from './files.ts'
import type { Queries } from './list/queries.ts'
import type { ContainerLogs } from './logs/container-logs.ts'
import { readLogs } from './logs/read-logs.ts'
import { replayLogs } from './logs/replay-logs.ts'
import { pruneContainers } from './pruning.ts'
import type { Removing } from './removing.ts'
import { resizeTerminal } from './resize.ts'
import type { Runs } from './runs.ts'
import { containerStats, statsSamples } from './stats.ts'
import type { Stopping } from './stopping.ts'
import { containerTop } from './top.ts'
import { waitFor } from './waiting.ts'

interface Services {
  readonly creation: Creation
  readonly runs: Runs
  readonly stopping: Stopping
  readonly removing: Removing
  readonly editing: Editing
  readonly queries: Queries
  readonly files: Files
  readonly checkpoints: Checkpoints
  readonly logs: ContainerLogs
  /** Settles when what an earlier daemon left has been taken up: until then nothing is changed, only looked at. */
  readonly ready: Promise<void>
}

/** One method for each endpoint of `/containers`: finds the container and hands on to the service whose work it is. */
export class ContainerBackend {
  readonly #context: ContainerContext
  readonly #services: Services
  readonly #samples: ReturnType<typeof statsSamples>

  constructor(context: ContainerContext, services: Services) {
    this.#context = context
    this.#services = services
    this.#samples = statsSamples(context)
  }

  async create(
    request: ContainerCreateRequest,
    options: O.ContainerCreateOptions,
  ): Promise<C.ContainerCreateResponse> {
    await this.#services.ready
    return this.#services.creation.create(request, options)
  }

  async start(name: string, options: O.ContainerStartOptions): Promise<void> {
    await this.#services.ready
    const { id } = this.#context.records.resolve(name)
    const { checkpoint } = options
    const restore = checkpoint ? await this.#services.checkpoints.forStart(id, checkpoint) : null
    await this.#services.runs.start(id, { restore })
  }

  async stop(name: string, options: O.ContainerStopOptions): Promise<void> {
    await this.#services.ready
    await this.#services.stopping.stop(this.#context.records.resolve(name), options)
  }

  async restart(name: string, options: O.ContainerStopOptions): Promise<void> {
    await this.#services.ready
    await this.#services.stopping.restart(this.#context.records.resolve(name), options)
  }

  async kill(name: string, signal: string): Promise<void> {
    await this.#services.ready
    await this.#services.stopping.kill(this.#context.records.resolve(name), signal, name)
  }

  async pause(name: string): Promise<void> {
    await this.#services.ready
    await this.#services.stopping.pause(this.#context.records.resolve(name).id)
  }

  async unpause(name: string): Promise<void> {
    await this.#services.ready
    await this.#services.stopping.unpause(this.#context.records.resolve(name).id)
  }

  async rename(name: string, newName: string): Promise<void> {
    await this.#services.ready
    return this.#services.editing.rename(name, newName)
  }

  async update(
    name: string,
    request: Resources & PublishRequest & { readonly RestartPolicy?: RestartPolicy | null },
  ): Promise<C.ContainerUpdateResponse> {
    await this.#services.ready
    return this.#services.editing.update(name, request)
  }

  async remove(name: string, options: O.ContainerRemoveOptions): Promise<void> {
    await this.#services.ready
    return this.#services.removing.remove(name, options)
  }

  async prune(
    filters: Filters,
  ): Promise<{ ContainersDeleted: readonly string[] | null; SpaceReclaimed: number }> {
    await this.#services.ready
    return pruneContainers(this.#context, this.#services.removing, filters)
  }

  async wait(
    name: string,
    condition: O.WaitCondition,
    options: O.Cancellable,
  ): Promise<{ readonly result: Promise<C.ContainerWaitResponse> }> {
    await this.#services.ready
    return waitFor(this.#context, name, { ...options, condition })
  }

  list(options: O.ContainerListOptions): Promise<readonly C.ContainerSummary[]> {
    return this.#services.queries.list(options)
  }

  inspect(name: string, options: { readonly size: boolean }): Promise<C.ContainerInspectResponse> {
    return this.#services.queries.inspect(name, options)
  }

  async top(name: string, psArgs: string): Promise<C.ContainerTopResponse> {
    await this.#services.ready
    return containerTop(this.#context, name, psArgs)
  }

  async stats(
    name: string,
    options: O.ContainerStatsOptions,
  ): Promise<AsyncIterable<ContainerStatsResponse>> {
    return containerStats(this.#samples, this.#context.records.resolve(name).id, options)
  }

  async changes(name: string): Promise<readonly C.FilesystemChange[] | null> {
    await this.#services.ready
    return this.#services.queries.changes(name)
  }

  counts(): { readonly running: number; readonly paused: number; readonly stopped: number } {
    return this.#services.queries.counts()
  }

  async attach(name: string, options: O.ContainerAttachOptions): Promise<StdioSession> {
    await this.#services.ready
    const record = this.#context.records.resolve(name)
    const replay = replayLogs(this.#services.logs)
    return attach(this.#context, record, { options, replay })
  }

  async logs(name: string, options: O.ContainerLogsOptions): Promise<LogStream> {
    await this.#services.ready
    return readLogs(this.#services.logs, this.#context.records.resolve(name), options)
  }

  async resize(name: string, size: { readonly rows: number; readonly columns: number }): Promise<void> {
    await this.#services.ready
    return resizeTerminal(this.#context, this.#context.records.resolve(name), size)
  }

  async export(name: string, options: O.Cancellable): Promise<Readable> {
    await this.#services.ready
    return this.#services.files.export(name, options)
  }

  async statPath(name: string, path: string): Promise<O.PathStat> {
    await this.#services.ready
    return this.#services.files.statPath(name, path)
  }

  async getArchive(
    name: string,
    path: string,
    options: O.Cancellable,
  ): Promise<{ stat: O.PathStat; tar: Readable }> {
    await this.#services.ready
    return this.#services.files.getArchive(name, path, options)
  }

  async putArchive(name: string, path: string, tar: Readable, options: O.ArchivePutOptions): Promise<void> {
    await this.#services.ready
    return this.#services.files.putArchive(name, path, tar, options)
  }
}
