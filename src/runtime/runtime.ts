import type { IdMap } from '#base/id-map.ts'
import type { CgroupFeatures } from '#kernel/cgroups/cgroups.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { HostConfig, Resources } from '#spec/docker/host-config.ts'
import type { ContainerStatsResponse } from '#spec/docker/stats.ts'

/** Which namespace of a kind a container gets. `join` names a file like /proc/1/ns/ipc or a bound netns. */
export type NamespaceChoice =
  { readonly kind: 'private' } | { readonly kind: 'host' } | { readonly kind: 'join'; readonly path: string }

export interface NamespaceChoices {
  readonly network: NamespaceChoice
  readonly ipc: NamespaceChoice
  readonly pid: NamespaceChoice
  readonly uts: NamespaceChoice
  readonly cgroup: NamespaceChoice
  /**
   * Null: the host's. The root and all mounts must already belong to the mapped ids. `path` names the namespace, which
   * the network namespace belongs to; null is a new one.
   */
  readonly user: (IdMap & { readonly path: string | null }) | null
}

/** A mount into the container, its source resolved: an existing host path. */
export type ContainerMount =
  | {
      readonly kind: 'bind'
      readonly source: string
      readonly destination: string
      readonly readOnly: boolean
      /** With what is mounted below the source; true unless the user said no. */
      readonly recursive?: boolean
      /** Read-only for what is mounted below the source too (mount_setattr(2), AT_RECURSIVE); only for directories. Default false. */
      readonly readOnlyBelow?: boolean
      readonly propagation?: string | null
      /** `nosuid`, `noexec` … */
      readonly options?: readonly string[]
    }
  | {
      readonly kind: 'tmpfs'
      readonly destination: string
      /** Options of tmpfs(5) and mount flags: `size=64m`, `mode=1777`, `noexec` … */
      readonly options: readonly string[]
      readonly readOnly?: boolean
    }

export interface CreateRequest {
  readonly id: string
  /** A name of `runtimes`; null is the default one. */
  readonly runtime: string | null
  /** The mounted root of the container. */
  readonly rootfs: string
  /** Entrypoint and command joined; not empty. */
  readonly args: readonly string[]
  /** Merged with the image's. */
  readonly config: ContainerConfig
  /** Validated and with its defaults. */
  readonly hostConfig: HostConfig
  readonly hostname: string
  /** All user mounts and the files of /etc, parents before children. /proc, /sys, /dev, /dev/shm, /dev/mqueue are added here. */
  readonly mounts: readonly ContainerMount[]
  readonly namespaces: NamespaceChoices
  /** A host path to be /dev/shm (shareable or joined ipc); null mounts a private one of HostConfig.ShmSize. */
  readonly shmPath: string | null
  /** conmon's CRI-format log (the spool); null keeps no log. The directory exists. */
  readonly logPath: string | null
  /** The directory of a checkpoint to go on from, instead of `args`. */
  readonly restore?: string | null
  /** More NAME=value beside Config.Env: legacy links. */
  readonly extraEnv?: readonly string[]
  /** Sysctls beside HostConfig.Sysctls, from networks. */
  readonly sysctls?: Readonly<Record<string, string>>
}

/** What of a request the monitor needs, which is known before mounts and networks are. */
export type PrepareRequest = Pick<CreateRequest, 'id' | 'runtime' | 'config' | 'logPath' | 'restore'>

/** How a container's main process ended. */
export interface ContainerExit {
  /** 0–255; 128+n for signal n; as conmon gives it. 137 when the monitor died with the container. */
  readonly exitCode: number
  /** RFC 3339 with nanoseconds. */
  readonly finishedAt: string
  readonly oomKilled: boolean
}

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** A live connection to the stdio of a container or an exec. What came before it was made is not repeated. */
export interface Attachment extends Disposable {
  /**
   * Output as it comes, one iteration only; ends when the process' output ends or after dispose. The reader's pace is
   * the writer's: a reader that stops holds the container up, after a buffer of 1 MiB.
   */
  readonly output: AsyncIterable<OutputChunk>
  /** Writes to stdin; resolves when the bytes have been taken. Bytes after stdin's end are dropped. */
  write(bytes: Uint8Array): Promise<void>
  /** Tells the process that its stdin has ended, if the container was made so (StdinOnce), else does nothing. */
  endStdin(): void
}

export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

export interface ExecRequest {
  readonly execId: string
  readonly args: readonly string[]
  /** Beside the container's own environment. */
  readonly env: readonly string[]
  /** `user[:group]`; null is the container's. */
  readonly user: string | null
  /** Null is the container's working directory. */
  readonly cwd: string | null
  readonly tty: boolean
  readonly privileged: boolean
  readonly stdin: boolean
  /** False runs it without anybody listening. */
  readonly attach: boolean
  readonly size?: TerminalSize | null
}

export interface ExecProcess {
  readonly pid: number
  /** Null when not attached. Made before the process ran: nothing is lost. */
  readonly attachment: Attachment | null
  /** The exit code; 137 when its monitor died. Never rejects. */
  readonly exited: Promise<number>
}

export interface RuntimeState {
  readonly status: 'created' | 'running' | 'paused' | 'stopped'
  readonly pid: number
}

/** Figures of one moment. `read`, `preread` and `networks` are the caller's to add. */
export type RuntimeStats = Pick<
  ContainerStatsResponse,
  'cpu_stats' | 'memory_stats' | 'pids_stats' | 'blkio_stats' | 'num_procs'
>

/** A line of `docker top`: titles, and a row for each process. */
export interface ProcessList {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What the runtimes and the cgroups of this machine are, for `docker info`. */
export interface RuntimeInfo {
  readonly defaultRuntime: string
  readonly runtimes: Readonly<Record<string, { readonly path: string; readonly args: readonly string[] }>>
  readonly cgroupDriver: 'cgroupfs' | 'systemd'
  readonly cgroupVersion: '1' | '2'
  /** What limits this machine can keep; see `spec/supported-limits.ts`. */
  readonly features: CgroupFeatures
  /** The file of the init given to `--init`; null when none is installed. */
  readonly initBinary: string | null
  readonly seccomp: boolean
  readonly apparmor: boolean
}

/**
 * Runs containers with an OCI runtime and one conmon each. A container goes: create → start → exit → delete; delete is
 * also right after a create that was never started. All methods but `create` and `recover` throw NotFoundError for an
 * id that is not between create and delete.
 */
export interface Runtime {
  readonly info: RuntimeInfo

  /**
   * Starts the monitor of a container that is about to be created, while its mounts and its network are made: saves a
   * few milliseconds of `create`. Not needed. Never throws: what is wrong is told by `create`; `delete` undoes it.
   */
  prepare(request: PrepareRequest): void

  /**
   * Makes the container's process, stopped before the user's program. After a failure nothing remains.
   * @throws InvalidArgumentError for what cannot be asked of this machine (unknown runtime, user not in passwd …)
   * @throws RuntimeFailure in dockerd's words (`failed to create task for container: …`)
   */
  create(request: CreateRequest): Promise<{ readonly pid: number }>

  /** Lets the user's program run; returns when the runtime was told so. @throws RuntimeFailure */
  start(id: string): Promise<void>

  /** Resolves once when the container has ended; also for a container that ended before the question. Never rejects. */
  exit(id: string): Promise<ContainerExit>

  /** Sends a signal by number to the main process. @throws ConflictError when the container has ended */
  kill(id: string, signal: number): Promise<void>

  /** Ends all processes of the container by SIGKILL, those it left behind too; fine when it has ended. */
  killAll(id: string): Promise<void>

  pause(id: string): Promise<void>
  resume(id: string): Promise<void>

  /** Resizes the terminal of the container. @throws ConflictError when it has ended */
  resize(id: string, size: TerminalSize): Promise<void>

  /** Connects to the stdio. Made between create and start, it misses nothing. */
  attach(id: string): Promise<Attachment>

  /** Runs a second process. @throws RuntimeFailure `OCI runtime exec failed: …` */
  exec(id: string, request: ExecRequest): Promise<ExecProcess>
  resizeExec(id: string, execId: string, size: TerminalSize): Promise<void>
  killExec(id: string, execId: string, signal: number): Promise<void>

  /** Changes limits of a running container. Absent fields stay. @throws KernelError, InvalidArgumentError */
  update(id: string, resources: Resources): Promise<void>

  /**
   * Writes a running container's processes to a directory that is there and empty (CRIU); it ends, or goes on.
   * @throws RuntimeFailure naming what is missing
   */
  checkpoint(id: string, to: { readonly path: string; readonly leavesRunning: boolean }): Promise<void>

  state(id: string): RuntimeState

  /** Pids of the container, as the host sees them. */
  pids(id: string): Promise<readonly number[]>

  /** What `ps` with these arguments says of the container's processes; Docker's default is `-ef`. */
  top(id: string, psArguments: string): Promise<ProcessList>

  stats(id: string): Promise<RuntimeStats>

  /** The pid of a live container: its namespaces are at /proc/<pid>/ns. Null when it has ended. */
  pid(id: string): number | null

  /**
   * Forgets the container and removes its cgroup, bundle and runtime state, killing what is left. Resolves when the
   * mounts of its root are free; the rest is done in the background. Idempotent: an unknown id is fine.
   */
  delete(id: string): Promise<void>

  /**
   * After a start of the daemon: takes up a container created by an earlier one. `exit()` then tells its end, even if it
   * ended while no daemon ran.
   * @returns what it is doing now; null when the runtime knows nothing of it (then delete() sweeps what remains)
   */
  recover(id: string): Promise<RuntimeState | null>

  /** Removes what belongs to no known container (a crash between two steps). Call once, after all recover(). */
  sweep(): Promise<void>

  /** Lets go of all watches. Containers go on. */
  close(): void
}
