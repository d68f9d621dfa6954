/** Limits of a cgroup; what is absent stays as it is. -1 lifts a limit. */
export interface CgroupLimits {
  readonly memoryBytes?: number
  /** Memory and swap together, as Docker counts; -1 is as much swap as there is. */
  readonly memorySwapBytes?: number
  readonly memoryReservationBytes?: number
  readonly cpuShares?: number
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly cpuRealtimeRuntimeUs?: number
  readonly cpuRealtimePeriodUs?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly pidsLimit?: number
  /** 10 to 1000. */
  readonly blkioWeight?: number
}

/** A value of a block device. */
export interface BlockIoEntry {
  readonly major: number
  readonly minor: number
  readonly op: string
  readonly value: number
}

/** Counters of a cgroup and those below it, at one moment. Times are nanoseconds. */
export interface CgroupStats {
  readonly cpu: {
    readonly usageNs: number
    readonly userNs: number
    readonly systemNs: number
    /** Empty where the kernel does not count by CPU (v2). */
    readonly perCpuNs: readonly number[]
    readonly periods: number
    readonly throttledPeriods: number
    readonly throttledNs: number
  }
  readonly memory: {
    readonly usageBytes: number
    /** Null where the kernel does not keep it. */
    readonly maxUsageBytes: number | null
    readonly failures: number | null
    /** Null for none. */
    readonly limitBytes: number | null
    /** memory.stat as it is. */
    readonly stat: Readonly<Record<string, number>>
  }
  /** A null limit is none. */
  readonly pids: { readonly current: number; readonly limit: number | null }
  readonly blockIo: {
    readonly serviceBytes: readonly BlockIoEntry[]
    readonly serviced: readonly BlockIoEntry[]
  }
}

/**
 * One control group (cgroups(7)), by its path below the root of every hierarchy. Methods throw KernelError ENOENT when it
 * does not exist, except where they say otherwise.
 */
export interface Cgroup {
  readonly path: string
  /** @throws KernelError EBUSY for less memory than in use, EINVAL for a value the kernel refuses */
  update(limits: CgroupLimits): void
  stats(): CgroupStats
  /** Processes of this group and those below it; none when it does not exist. */
  pids(): readonly number[]
  /** Stops all processes; resolves when they stand. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Tells whether it was told to freeze; false when it does not exist. */
  isFrozen(): boolean
  /** Sends SIGKILL to all processes, those that fork meanwhile too. Fine when it does not exist. */
  kill(): Promise<void>
  /** How often the kernel killed for want of memory; 0 when it does not exist. */
  oomKills(): number
  /**
   * Follows the count of OOM kills, for a group that others may remove before it is looked at: `kills` tells the last count
   * seen. Null where the kernel gives no notice.
   */
  watchOomKills(): OomWatch | null
  /** Removes the group and those below it, waiting for processes that are ending. Fine when it does not exist. */
  remove(): Promise<void>
}

export interface OomWatch {
  readonly kills: number
  close(): void
}

/** What this machine's controllers can limit, for `docker info` and for warnings. */
export interface CgroupFeatures {
  readonly memoryLimit: boolean
  readonly swapLimit: boolean
  readonly memorySwappiness: boolean
  readonly oomKillDisable: boolean
  readonly cpuCfsPeriod: boolean
  readonly cpuCfsQuota: boolean
  readonly cpuShares: boolean
  readonly cpuRealtime: boolean
  readonly cpuSet: boolean
  readonly pidsLimit: boolean
  readonly blkioWeight: boolean
}

/** The cgroups of this machine, whichever version. */
export interface Cgroups {
  readonly version: '1' | '2'
  readonly features: CgroupFeatures
  /** The group of this path, which need not exist yet. */
  group(path: string): Cgroup
  /** Names of the groups directly below a path; none when it does not exist. */
  children(path: string): readonly string[]
}
