import type { AuthConfig } from './image.ts'
import type { Filters } from './filters.ts'
import type { Resources } from './host-config.ts'

/**
 * What requests ask for beside their body: the query parameters of the Engine API, parsed and with Docker's defaults
 * filled in, so that a backend never sees a string where it wants a number.
 */

/** A request whose client may leave: work that nobody waits for any more should stop. */
export interface Cancellable {
  readonly signal: AbortSignal
}

/** Told of progress, line by line; one call is one JSON object of the response stream. */
export type ProgressSink = (message: object) => void

/** `os[/arch[/variant]]` in its parts. */
export interface PlatformSpec {
  readonly os: string
  readonly architecture?: string | undefined
  readonly variant?: string | undefined
}

export interface ContainerListOptions {
  readonly all: boolean
  /** The number of newest containers, running or not; null for no limit. */
  readonly limit: number | null
  readonly size: boolean
  readonly filters: Filters
}

export interface ContainerCreateOptions {
  /** Empty: the daemon makes a name. Never with the leading slash. */
  readonly name: string
  readonly platform: PlatformSpec | null
  /** Read-only binds leave what is mounted below them as it is: so it was before API 1.44. */
  readonly readOnlyNonRecursive?: boolean
}

export interface ContainerStartOptions {
  readonly detachKeys: string | null
  /** To go on from; a directory that is not empty is not the container's own. */
  readonly checkpoint?: { readonly name: string; readonly directory: string } | null
}

export interface ContainerStopOptions {
  /** Seconds to wait before SIGKILL: -1 for ever, null for the container's own. */
  readonly timeoutSeconds: number | null
  /** Null for the container's own stop signal. */
  readonly signal: string | null
}

export interface ContainerRemoveOptions {
  readonly force: boolean
  readonly removeVolumes: boolean
  readonly removeLink: boolean
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

export interface ContainerLogsOptions extends Cancellable {
  readonly follow: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly timestamps: boolean
  /** Adds the attributes that were given to the log driver (`labels`, `env`). */
  readonly details: boolean
  /** Nanoseconds since the epoch, or null. */
  readonly since: bigint | null
  readonly until: bigint | null
  /** The number of lines from the end, or null for all. */
  readonly tail: number | null
}

export interface ContainerAttachOptions extends Cancellable {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** Replays what was written before, from the log. */
  readonly logs: boolean
  /** Stays for what comes. */
  readonly stream: boolean
  /** Docker's notation (`ctrl-p,ctrl-q`), or null for the daemon's default. */
  readonly detachKeys: string | null
}

export interface ExecStartOptions extends Cancellable {
  readonly tty: boolean
  /** Rows and columns, or null. */
  readonly consoleSize: readonly [number, number] | null
}

export interface ContainerStatsOptions extends Cancellable {
  readonly stream: boolean
  /** One figure at once, without the second sample that a percentage needs. */
  readonly oneShot: boolean
}

export interface ArchivePutOptions extends Cancellable {
  readonly noOverwriteDirNonDir: boolean
  readonly copyUidGid: boolean
}

/** A file in a container (`X-Docker-Container-Path-Stat`). `mode` is Go's os.FileMode. */
export interface PathStat {
  readonly name: string
  readonly size: number
  readonly mode: number
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string
  readonly linkTarget: string
}

export interface AttestationOptions {
  readonly platform: PlatformSpec | null
  /** Predicate types; none means all. */
  readonly types: readonly string[]
  readonly withStatement: boolean
}

export interface ImageListOptions {
  readonly all: boolean
  readonly filters: Filters
  readonly sharedSize: boolean
  readonly manifests: boolean
  /** With `manifests`: where each came from. */
  readonly identity?: boolean
}

export interface ImagePullOptions extends Cancellable {
  /** A name, or a name and an empty tag where all tags are meant (`allTags`). */
  readonly reference: string
  readonly allTags: boolean
  readonly platform: PlatformSpec | null
  readonly auth: RegistryAuth | null
  readonly progress: ProgressSink
}

export interface ImagePushOptions extends Cancellable {
  /** The repository without its tag. */
  readonly repository: string
  /** Null: all tags of the repository. */
  readonly tag: string | null
  readonly platform: PlatformSpec | null
  readonly auth: RegistryAuth | null
  readonly progress: ProgressSink
}

export interface ImageImportOptions extends Cancellable {
  /** Repository and tag of the new image, or empty. */
  readonly reference: string
  readonly message: string
  readonly changes: readonly string[]
  readonly platform: PlatformSpec | null
  readonly progress: ProgressSink
}

export interface ImageLoadOptions extends Cancellable {
  readonly quiet: boolean
  readonly platforms: readonly PlatformSpec[]
  readonly progress: ProgressSink
}

export interface ImageRemoveOptions {
  readonly force: boolean
  readonly noPrune: boolean
  readonly platforms: readonly PlatformSpec[]
}

export interface ImageInspectOptions {
  readonly platform: PlatformSpec | null
  readonly manifests: boolean
}

export interface CommitOptions extends Cancellable {
  readonly container: string
  readonly repository: string
  readonly tag: string
  readonly comment: string
  readonly author: string
  readonly pause: boolean
  readonly changes: readonly string[]
}

/** `X-Registry-Auth`, decoded. */
export interface RegistryAuth extends AuthConfig {
  readonly identitytoken?: string | null
  readonly registrytoken?: string | null
}

/** `POST /build`. */
export interface BuildOptions extends Cancellable {
  readonly dockerfile: string
  readonly tags: readonly string[]
  readonly remote: string
  readonly quiet: boolean
  readonly noCache: boolean
  readonly cacheFrom: readonly string[]
  /** Wharf's own. */
  readonly cacheTo: readonly string[]
  /** True, false, or `default`. */
  readonly pull: boolean
  readonly removeIntermediate: boolean
  readonly forceRemoveIntermediate: boolean
  readonly memoryBytes: number
  /** -1 for unlimited, 0 for unset. */
  readonly memorySwapBytes: number
  readonly cpuShares: number
  readonly cpusetCpus: string
  readonly cpuPeriod: number
  readonly cpuQuota: number
  readonly cpusetMems: string
  readonly cgroupParent: string
  readonly ulimits: NonNullable<Resources['Ulimits']>
  readonly securityOptions: readonly string[]
  readonly shmSizeBytes: number
  /** Null for an argument whose value is to come from the environment. */
  readonly buildArgs: Readonly<Record<string, string | null>>
  readonly labels: Readonly<Record<string, string>>
  readonly networkMode: string
  readonly extraHosts: readonly string[]
  readonly squash: boolean
  /** Several make an image with an index; none is the host's. */
  readonly platforms: readonly PlatformSpec[]
  readonly target: string
  /** Wharf's own: `check` looks at the Dockerfile and builds nothing (`wharf build --check`); empty builds. */
  readonly call: string
  readonly outputs: readonly unknown[]
  /** '1' classic, '2' BuildKit with a session. */
  readonly builderVersion: '1' | '2'
  readonly session: string
  /** Wharf's own: `--build-context`, by name; the values `local` and `oci-layout` are the client's to give. */
  readonly contexts: Readonly<Record<string, string>>
  /** Wharf's own: attestations by type, with their attributes. */
  readonly attestations: Readonly<Record<string, string>>
  /** Wharf's own: the stages whose steps are done anew. */
  readonly noCacheFilter: readonly string[]
  /** Wharf's own: the session of a `wharf build`; empty for none. */
  readonly clientSession: string
  readonly buildId: string
  /** By registry. */
  readonly auth: Readonly<Record<string, RegistryAuth>>
  readonly progress: ProgressSink
}

export interface BuildPruneOptions extends Cancellable {
  readonly all: boolean
  readonly reservedSpaceBytes: number
  readonly maxUsedSpaceBytes: number
  readonly minFreeSpaceBytes: number
  readonly filters: Filters
}

export interface EventsOptions extends Cancellable {
  /** Nanoseconds since the epoch, or null. */
  readonly since: bigint | null
  readonly until: bigint | null
  readonly filters: Filters
}
