/** What a container may use of its host (HostConfig) and how it is mounted, limited and published. Engine API 1.56. */

export interface PortBinding {
  readonly HostIp?: string | null
  readonly HostPort?: string | null
}

export type PortMap = Readonly<Record<string, readonly PortBinding[] | null>>

export type MountType = 'bind' | 'cluster' | 'image' | 'npipe' | 'tmpfs' | 'volume'

export interface MountPoint {
  readonly Type?: MountType | null
  readonly Name?: string | null
  readonly Source?: string | null
  readonly Destination?: string | null
  readonly Driver?: string | null
  readonly Mode?: string | null
  readonly RW?: boolean | null
  readonly Propagation?: string | null
}

export interface DeviceMapping {
  readonly PathOnHost?: string | null
  readonly PathInContainer?: string | null
  readonly CgroupPermissions?: string | null
}

export interface DeviceRequest {
  readonly Driver?: string | null
  readonly Count?: number | null
  readonly DeviceIDs?: readonly string[] | null
  readonly Capabilities?: readonly (readonly string[])[] | null
  readonly Options?: Readonly<Record<string, string>> | null
}

export interface ThrottleDevice {
  readonly Path?: string | null
  readonly Rate?: number | null
}

export interface Mount {
  readonly Target?: string | null
  readonly Source?: string | null
  readonly Type?: MountType | null
  readonly ReadOnly?: boolean | null
  readonly Consistency?: string | null
  readonly BindOptions?: {
    readonly Propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave' | null
    readonly NonRecursive?: boolean | null
    readonly CreateMountpoint?: boolean | null
    readonly ReadOnlyNonRecursive?: boolean | null
    readonly ReadOnlyForceRecursive?: boolean | null
  } | null
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean | null
    readonly Labels?: Readonly<Record<string, string>> | null
    readonly DriverConfig?: {
      readonly Name?: string | null
      readonly Options?: Readonly<Record<string, string>> | null
    } | null
    readonly Subpath?: string | null
  } | null
  readonly ImageOptions?: {
    readonly Subpath?: string | null
  } | null
  readonly TmpfsOptions?: {
    readonly SizeBytes?: number | null
    readonly Mode?: number | null
    readonly Options?: readonly (readonly string[])[] | null
  } | null
}

/** Ports to publish and to publish no more, of `POST /containers/{id}/update` (Wharf's own fields). */
export interface PublishRequest {
  /** As HostConfig.PortBindings. */
  readonly PublishAdd?: PortMap | null
  /** By the container's port: all of its bindings (an empty list or a binding with neither address nor port), or those that fit. */
  readonly PublishRemove?: PortMap | null
}

export interface RestartPolicy {
  readonly Name?: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure' | null
  readonly MaximumRetryCount?: number | null
}

export interface Resources {
  readonly CpuShares?: number | null
  readonly Memory?: number | null
  readonly CgroupParent?: string | null
  readonly BlkioWeight?: number | null
  readonly BlkioWeightDevice?:
    | readonly {
        readonly Path?: string | null
        readonly Weight?: number | null
      }[]
    | null
  readonly BlkioDeviceReadBps?: readonly ThrottleDevice[] | null
  readonly BlkioDeviceWriteBps?: readonly ThrottleDevice[] | null
  readonly BlkioDeviceReadIOps?: readonly ThrottleDevice[] | null
  readonly BlkioDeviceWriteIOps?: readonly ThrottleDevice[] | null
  readonly CpuPeriod?: number | null
  readonly CpuQuota?: number | null
  readonly CpuRealtimePeriod?: number | null
  readonly CpuRealtimeRuntime?: number | null
  readonly CpusetCpus?: string | null
  readonly CpusetMems?: string | null
  readonly Devices?: readonly DeviceMapping[] | null
  readonly DeviceCgroupRules?: readonly string[] | null
  readonly DeviceRequests?: readonly DeviceRequest[] | null
  readonly MemoryReservation?: number | null
  readonly MemorySwap?: number | null
  readonly MemorySwappiness?: number | null
  readonly NanoCpus?: number | null
  readonly OomKillDisable?: boolean | null
  readonly Init?: boolean | null
  readonly PidsLimit?: number | null
  readonly Ulimits?:
    | readonly {
        readonly Name?: string | null
        readonly Soft?: number | null
        readonly Hard?: number | null
      }[]
    | null
  readonly CpuCount?: number | null
  readonly CpuPercent?: number | null
  readonly IOMaximumIOps?: number | null
  readonly IOMaximumBandwidth?: number | null
}

export interface HostConfig extends Resources {
  readonly Binds?: readonly string[] | null
  readonly ContainerIDFile?: string | null
  readonly LogConfig?: {
    readonly Type?: string | null
    readonly Config?: Readonly<Record<string, string>> | null
  } | null
  readonly NetworkMode?: string | null
  readonly PortBindings?: PortMap | null
  readonly RestartPolicy?: RestartPolicy | null
  readonly AutoRemove?: boolean | null
  readonly VolumeDriver?: string | null
  readonly VolumesFrom?: readonly string[] | null
  readonly Mounts?: readonly Mount[] | null
  readonly ConsoleSize?: readonly number[] | null
  readonly Annotations?: Readonly<Record<string, string>> | null
  readonly CapAdd?: readonly string[] | null
  readonly CapDrop?: readonly string[] | null
  readonly CgroupnsMode?: 'private' | 'host' | null
  readonly Dns?: readonly string[] | null
  readonly DnsOptions?: readonly string[] | null
  readonly DnsSearch?: readonly string[] | null
  readonly ExtraHosts?: readonly string[] | null
  readonly GroupAdd?: readonly string[] | null
  readonly IpcMode?: string | null
  readonly Cgroup?: string | null
  readonly Links?: readonly string[] | null
  readonly OomScoreAdj?: number | null
  readonly PidMode?: string | null
  readonly Privileged?: boolean | null
  readonly PublishAllPorts?: boolean | null
  readonly ReadonlyRootfs?: boolean | null
  readonly SecurityOpt?: readonly string[] | null
  readonly StorageOpt?: Readonly<Record<string, string>> | null
  readonly Tmpfs?: Readonly<Record<string, string>> | null
  readonly UTSMode?: string | null
  readonly UsernsMode?: string | null
  readonly ShmSize?: number | null
  readonly Sysctls?: Readonly<Record<string, string>> | null
  readonly Runtime?: string | null
  readonly Isolation?: 'default' | 'process' | 'hyperv' | '' | null
  readonly MaskedPaths?: readonly string[] | null
  readonly ReadonlyPaths?: readonly string[] | null
}
