import type { DataUsage } from '#spec/data-usage.ts'
import type { ImageLayer } from '#spec/image-layers.ts'
import type { Duplex, Readable } from 'node:stream'
import type { PastBuild, PastBuildDetails } from '#spec/build-history.ts'
import type { BuildCache } from '#spec/docker/build.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { CheckpointCreateRequest, CheckpointSummary } from '#spec/docker/checkpoint.ts'
import type * as C from '#spec/docker/container.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { PublishRequest, Resources, RestartPolicy } from '#spec/docker/host-config.ts'
import type * as I from '#spec/docker/image.ts'
import type * as N from '#spec/docker/network.ts'
import type * as O from '#spec/docker/options.ts'
import type * as R from '#spec/docker/requests.ts'
import type { ContainerStatsResponse } from '#spec/docker/stats.ts'
import type { LogStream, StdioSession } from '#spec/docker/streams.ts'
import type { EventMessage, SystemInfo } from '#spec/docker/system.ts'
import type * as V from '#spec/docker/volume.ts'

/**
 * What the API needs of the areas below it, one small interface per role. Areas do not import this file (they are
 * below it): their classes have these shapes, and `daemon/compose.ts` is where the compiler compares.
 *
 * Containers are named by id, unique id prefix, or name; `NotFoundError("No such container: <as given>")` otherwise.
 * Answers are in the newest API version's shape; `api/` turns them into what older versions show.
 */

/** Containers, from nothing to nothing. */
export interface ContainerLifecycle {
  /** The container exists durably when this resolves. */
  create(
    request: R.ContainerCreateRequest,
    options: O.ContainerCreateOptions,
  ): Promise<C.ContainerCreateResponse>
  /** @throws NotModifiedError when it runs already. */
  start(name: string, options: O.ContainerStartOptions): Promise<void>
  /** @throws NotModifiedError when it is stopped already. */
  stop(name: string, options: O.ContainerStopOptions): Promise<void>
  restart(name: string, options: O.ContainerStopOptions): Promise<void>
  /** `signal` as a name with or without SIG, or a number; empty for SIGKILL. */
  kill(name: string, signal: string): Promise<void>
  pause(name: string): Promise<void>
  unpause(name: string): Promise<void>
  rename(name: string, newName: string): Promise<void>
  update(
    name: string,
    request: Resources & PublishRequest & { readonly RestartPolicy?: RestartPolicy | null },
  ): Promise<C.ContainerUpdateResponse>
  remove(name: string, options: O.ContainerRemoveOptions): Promise<void>
  prune(filters: Filters): Promise<{ ContainersDeleted: readonly string[] | null; SpaceReclaimed: number }>
  /**
   * Registers the waiter before it resolves, so that an exit after that is never missed (the API sends its head
   * then, and `docker run` starts the container only after); `result` is the exit.
   */
  wait(
    name: string,
    condition: O.WaitCondition,
    options: O.Cancellable,
  ): Promise<{ readonly result: Promise<C.ContainerWaitResponse> }>
}

/** Looking at containers. */
export interface ContainerQueries {
  list(options: O.ContainerListOptions): Promise<readonly C.ContainerSummary[]>
  inspect(name: string, options: { readonly size: boolean }): Promise<C.ContainerInspectResponse>
  top(name: string, psArgs: string): Promise<C.ContainerTopResponse>
  /** One figure, or one each second until the client leaves or the container is removed. */
  stats(name: string, options: O.ContainerStatsOptions): Promise<AsyncIterable<ContainerStatsResponse>>
  changes(name: string): Promise<readonly C.FilesystemChange[] | null>
  /** Numbers by state, for `/info`; must not walk anything slow. */
  counts(): { readonly running: number; readonly paused: number; readonly stopped: number }
}

/** The standard streams of containers. */
export interface ContainerStreams {
  attach(name: string, options: O.ContainerAttachOptions): Promise<StdioSession>
  logs(name: string, options: O.ContainerLogsOptions): Promise<LogStream>
  resize(name: string, size: { readonly rows: number; readonly columns: number }): Promise<void>
}

/** `/containers/{id}/checkpoints`. */
export interface CheckpointBackend {
  create(name: string, request: CheckpointCreateRequest): Promise<void>
  /** `directory` is empty for the container's own. */
  list(name: string, directory: string): Promise<readonly CheckpointSummary[]>
  remove(name: string, checkpoint: string, directory: string): Promise<void>
}

/** The files of containers. */
export interface ContainerFiles {
  export(name: string, options: O.Cancellable): Promise<Readable>
  statPath(name: string, path: string): Promise<O.PathStat>
  getArchive(name: string, path: string, options: O.Cancellable): Promise<{ stat: O.PathStat; tar: Readable }>
  putArchive(name: string, path: string, tar: Readable, options: O.ArchivePutOptions): Promise<void>
}

/** Further processes in running containers. Execs are named by their id. */
export interface ExecBackend {
  create(container: string, request: R.ExecCreateRequest): Promise<{ readonly Id: string }>
  /** Starts and attaches as the exec's own Attach* flags say. */
  start(id: string, options: O.ExecStartOptions): Promise<StdioSession>
  startDetached(id: string, options: O.ExecStartOptions): Promise<void>
  resize(id: string, size: { readonly rows: number; readonly columns: number }): Promise<void>
  /** `GET /exec/{id}/json`. */
  inspect(id: string): Promise<object>
  /** The detach keys given at creation, or null. */
  detachKeys(id: string): string | null
}

/** Looking at images and naming them. */
export interface ImageBackend {
  list(options: O.ImageListOptions): Promise<readonly I.ImageSummary[]>
  inspect(name: string, options: O.ImageInspectOptions): Promise<I.ImageInspect>
  history(
    name: string,
    options: { readonly platform: O.PlatformSpec | null },
  ): Promise<readonly I.ImageHistoryResponseItem[]>
  attestations(name: string, options: O.AttestationOptions): Promise<readonly I.AttestationStatement[]>
  /** Wharf's own: the image's layers, lowest first. */
  layersOf(
    name: string,
    options: { readonly platform: O.PlatformSpec | null },
  ): Promise<readonly ImageLayer[]>
  /** Wharf's own: the entries of one of the image's layers, lowest 0, as lines of JSON (`LayerFile`). */
  layerFiles(
    name: string,
    options: O.Cancellable & { readonly layer: number; readonly platform: O.PlatformSpec | null },
  ): Promise<Readable>
  tag(name: string, target: { readonly repository: string; readonly tag: string }): Promise<void>
  remove(name: string, options: O.ImageRemoveOptions): Promise<readonly I.ImageDeleteResponseItem[]>
  prune(
    filters: Filters,
  ): Promise<{ ImagesDeleted: readonly I.ImageDeleteResponseItem[] | null; SpaceReclaimed: number }>
  /** The number of images, for `/info`. */
  count(): number
}

/** Images in and out. Progress lines are told only after what can fail at once was checked. */
export interface ImageTransfer {
  pull(options: O.ImagePullOptions): Promise<void>
  push(options: O.ImagePushOptions): Promise<void>
  /** `POST /images/create?fromSrc=`: the tar of a root file system. */
  import(tar: Readable, options: O.ImageImportOptions): Promise<void>
  /** As `import`, from an HTTP URL. */
  importUrl(url: string, options: O.ImageImportOptions): Promise<void>
  load(tar: Readable, options: O.ImageLoadOptions): Promise<void>
  save(
    names: readonly string[],
    options: O.Cancellable & { readonly platforms: readonly O.PlatformSpec[] },
  ): Promise<Readable>
  search(
    term: string,
    options: O.Cancellable & {
      readonly limit: number | null
      readonly filters: Filters
      readonly auth: O.RegistryAuth | null
    },
  ): Promise<readonly object[]>
}

/** `POST /commit`. */
export interface CommitBackend {
  commit(config: ContainerConfig | null, options: O.CommitOptions): Promise<{ readonly Id: string }>
}

/** What is asked of registries themselves. */
export interface DistributionBackend {
  inspect(
    name: string,
    options: O.Cancellable & { readonly auth: O.RegistryAuth | null },
  ): Promise<I.DistributionInspect>
  login(auth: O.RegistryAuth, options: O.Cancellable): Promise<I.AuthResponse>
}

/** Networks, by id, unique id prefix or name. */
export interface NetworkBackend {
  /** `brief`: without the containers that are attached. */
  list(filters: Filters, options: { readonly brief: boolean }): Promise<readonly N.NetworkSummary[]>
  inspect(
    name: string,
    options: { readonly verbose: boolean; readonly scope: string },
  ): Promise<N.NetworkInspect>
  create(request: R.NetworkCreateRequest): Promise<N.NetworkCreateResponse>
  remove(name: string): Promise<void>
  connect(name: string, request: N.NetworkConnectRequest): Promise<void>
  disconnect(name: string, request: N.NetworkDisconnectRequest): Promise<void>
  prune(filters: Filters): Promise<{ NetworksDeleted: readonly string[] | null }>
}

/** Volumes, by name. */
export interface VolumeBackend {
  list(filters: Filters): Promise<V.VolumeListResponse>
  inspect(name: string): Promise<V.Volume>
  create(request: V.VolumeCreateRequest): Promise<V.Volume>
  remove(name: string, options: { readonly force: boolean }): Promise<void>
  prune(
    filters: Filters,
    options: { readonly anonymousOnly: boolean },
  ): Promise<{ VolumesDeleted: readonly string[]; SpaceReclaimed: number }>
}

/** What the daemon says of itself. */
export interface SystemBackend {
  info(): Promise<SystemInfo>
  /** Facts of `GET /version` that are not the API's own. */
  version(): Promise<VersionFacts>
  /** Items by kind, of which the API makes each version's form of `GET /system/df`. */
  diskUsage(kinds: DiskUsageKinds): Promise<DiskUsage>
  /** Measures all that is below the data root and tells what it is for; Wharf's own. */
  dataUsage(options: { readonly signal: AbortSignal }): Promise<DataUsage>
  events(options: O.EventsOptions): AsyncIterable<EventMessage>
  /** Reads all that is stored and tells what is not as it must be; Wharf's own. */
  check(options: {
    readonly repair: boolean
    readonly signal: AbortSignal
  }): Promise<readonly StorageProblem[]>
}

/** One thing that `wharf system check` found. */
export interface StorageProblem {
  readonly kind: 'layer' | 'blob' | 'snapshot' | 'stray'
  readonly subject: string
  readonly detail: string
  readonly repaired: boolean
}

export interface VersionFacts {
  readonly version: string
  readonly gitCommit: string
  readonly buildTime: string
  readonly kernelVersion: string
  readonly arch: string
  readonly experimental: boolean
  /** Beside the engine itself: monitor, OCI runtime, Node.js. */
  readonly components: readonly { Name: string; Version: string; Details?: Record<string, string> }[]
}

export interface DiskUsageKinds {
  readonly containers: boolean
  readonly images: boolean
  readonly volumes: boolean
  readonly buildCache: boolean
}

/** Null: this kind was not asked for. */
export interface DiskUsage {
  readonly layersSizeBytes: number
  readonly images: readonly I.ImageSummary[] | null
  readonly containers: readonly C.ContainerSummary[] | null
  readonly volumes: readonly V.Volume[] | null
  readonly buildCache: readonly BuildCache[] | null
}

/** Builds. */
export interface BuildBackend {
  /** Reads the context (a tar, maybe compressed); null when `remote` or the session gives it. */
  build(context: Readable | null, options: O.BuildOptions): Promise<void>
  cancel(buildId: string): Promise<void>
  /** The last builds, newest first. */
  history(): Promise<readonly PastBuild[]>
  /** A past build by its id or the beginning of it. @throws NotFoundError */
  pastBuild(id: string): Promise<PastBuildDetails>
  /** Serves the session of a `wharf build` until the client leaves. */
  session(connection: Duplex): Promise<void>
  /** Who takes the connection that a client opened for a call of its session. @throws NotFoundError */
  answer(sessionId: string, call: string): (connection: Duplex) => void
  prune(
    options: O.BuildPruneOptions,
  ): Promise<{ CachesDeleted: readonly string[] | null; SpaceReclaimed: number }>
  /** What `Builder-Version` of `/_ping` says. */
  readonly builderVersion: '1' | '2'
}

/** Connections on which a client of BuildKit serves gRPC, after an upgrade (`h2c`): `POST /session`. */
export interface SessionBackend {
  /** Owns the connection until it ends. */
  session(connection: Duplex, headers: Readonly<Record<string, string | string[] | undefined>>): Promise<void>
}

/** All of it, as `daemon/compose.ts` hands it to the API. */
export interface Backends {
  readonly containers: ContainerLifecycle & ContainerQueries & ContainerStreams & ContainerFiles
  /** Null unless the daemon is in experimental mode. */
  readonly checkpoints: CheckpointBackend | null
  readonly execs: ExecBackend
  readonly images: ImageBackend & ImageTransfer
  readonly commits: CommitBackend
  readonly distribution: DistributionBackend
  readonly networks: NetworkBackend
  readonly volumes: VolumeBackend
  readonly system: SystemBackend
  readonly builds: BuildBackend
  readonly sessions: SessionBackend
}
