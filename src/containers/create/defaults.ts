import type { IdMap } from '#base/id-map.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'

/** What the daemon's configuration says of containers that leave it open. */
export interface ContainerDefaults {
  /** `log-driver` and `log-opts`. */
  readonly logDriver: string
  readonly logOptions: Readonly<Record<string, string>>
  /** `default-runtime`. */
  readonly runtime: string
  /** `default-shm-size`. */
  readonly shmSizeBytes: number
  /** `default-ipc-mode`. */
  readonly ipcMode: string
  /** `default-cgroupns-mode`. */
  readonly cgroupnsMode: 'private' | 'host'
  /** `init`. */
  readonly init: boolean
  /** `shutdown-timeout` of containers, seconds: Docker's 10. */
  readonly stopTimeoutSeconds: number
  /** Docker's default detach keys, in its notation. */
  readonly detachKeys: string
  /** `userns-remap`: the ids of containers that do not ask for the host's (`--userns=host`); null when it is off. */
  readonly remap: IdMap | null
  /** `experimental`: containers can be started from checkpoints. */
  readonly experimental: boolean
}

export const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]

/** The host configuration with Docker's and the daemon's defaults in place of what was not said. */
export function withDefaults(user: HostConfig, defaults: ContainerDefaults): HostConfig {
  const memory = user.Memory ?? 0
  const unconfined = user.SecurityOpt?.some((option) => option === 'systempaths=unconfined') ?? false
  const open = user.Privileged === true || unconfined
  return {
    ...user,
    ContainerIDFile: user.ContainerIDFile ?? '',
    LogConfig: logConfig(user, defaults),
    NetworkMode: networkMode(user.NetworkMode),
    PortBindings: user.PortBindings ?? {},
    RestartPolicy: {
      Name: user.RestartPolicy?.Name || 'no',
      MaximumRetryCount: user.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    AutoRemove: user.AutoRemove ?? false,
    // Labels of the host's processes and of the container's would not agree.
    SecurityOpt: isHostMode(user)
      ? [...(user.SecurityOpt ?? []), 'label=disable']
      : (user.SecurityOpt ?? null),
    IpcMode: user.IpcMode || defaults.ipcMode,
    CgroupnsMode: user.CgroupnsMode || (user.Privileged === true ? 'host' : defaults.cgroupnsMode),
    ShmSize: user.ShmSize || defaults.shmSizeBytes,
    Runtime: user.Runtime || defaults.runtime,
    // Memory without a swap limit allows as much swap again.
    MemorySwap: memory > 0 && (user.MemorySwap ?? 0) === 0 ? memory * 2 : (user.MemorySwap ?? 0),
    MemorySwappiness: user.MemorySwappiness === -1 ? null : (user.MemorySwappiness ?? null),
    OomKillDisable: user.OomKillDisable ?? false,
    MaskedPaths: user.MaskedPaths ?? (open ? null : MASKED_PATHS),
    ReadonlyPaths: user.ReadonlyPaths ?? (open ? null : READONLY_PATHS),
    ConsoleSize: user.ConsoleSize ?? [0, 0],
  }
}

function isHostMode(user: HostConfig): boolean {
  return user.PidMode === 'host' || user.IpcMode === 'host' || user.Privileged === true
}

function networkMode(mode: string | null | undefined): string {
  return mode === null || mode === undefined || mode === '' || mode === 'default' ? 'bridge' : mode
}

function logConfig(user: HostConfig, defaults: ContainerDefaults): NonNullable<HostConfig['LogConfig']> {
  const type = user.LogConfig?.Type || defaults.logDriver
  const inherited = type === defaults.logDriver ? defaults.logOptions : {}
  return { Type: type, Config: { ...inherited, ...user.LogConfig?.Config } }
}
