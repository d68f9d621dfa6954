/** What the daemon says of itself. Engine API 1.56. */

export interface SystemVersion {
  readonly Platform?: {
    readonly Name: string
  } | null
  readonly Components?:
    | readonly {
        readonly Name: string
        readonly Version: string
        readonly Details?: Readonly<Record<string, unknown>> | null
      }[]
    | null
  readonly Version?: string | null
  readonly ApiVersion?: string | null
  readonly MinAPIVersion?: string | null
  readonly GitCommit?: string | null
  readonly GoVersion?: string | null
  readonly Os?: string | null
  readonly Arch?: string | null
  readonly KernelVersion?: string | null
  readonly Experimental?: boolean | null
  readonly BuildTime?: string | null
}

export interface SystemInfo {
  readonly ID?: string | null
  readonly Containers?: number | null
  readonly ContainersRunning?: number | null
  readonly ContainersPaused?: number | null
  readonly ContainersStopped?: number | null
  readonly Images?: number | null
  readonly Driver?: string | null
  readonly DriverStatus?: readonly (readonly string[])[] | null
  readonly DockerRootDir?: string | null
  readonly Plugins?: PluginsInfo | null
  readonly MemoryLimit?: boolean | null
  readonly SwapLimit?: boolean | null
  readonly CpuCfsPeriod?: boolean | null
  readonly CpuCfsQuota?: boolean | null
  readonly CPUShares?: boolean | null
  readonly CPUSet?: boolean | null
  readonly PidsLimit?: boolean | null
  readonly OomKillDisable?: boolean | null
  readonly IPv4Forwarding?: boolean | null
  readonly Debug?: boolean | null
  readonly NFd?: number | null
  readonly NGoroutines?: number | null
  readonly SystemTime?: string | null
  readonly LoggingDriver?: string | null
  readonly CgroupDriver?: 'cgroupfs' | 'systemd' | 'none' | null
  readonly CgroupVersion?: '1' | '2' | null
  readonly NEventsListener?: number | null
  readonly KernelVersion?: string | null
  readonly OperatingSystem?: string | null
  readonly OSVersion?: string | null
  readonly OSType?: string | null
  readonly Architecture?: string | null
  readonly NCPU?: number | null
  readonly MemTotal?: number | null
  readonly IndexServerAddress?: string | null
  readonly RegistryConfig?: RegistryServiceConfig | null
  readonly GenericResources?: GenericResources | null
  readonly HttpProxy?: string | null
  readonly HttpsProxy?: string | null
  readonly NoProxy?: string | null
  readonly Name?: string | null
  readonly Labels?: readonly string[] | null
  readonly ExperimentalBuild?: boolean | null
  readonly ServerVersion?: string | null
  readonly Runtimes?: Readonly<Record<string, Runtime>> | null
  readonly DefaultRuntime?: string | null
  readonly Swarm?: unknown | null
  readonly LiveRestoreEnabled?: boolean | null
  readonly Isolation?: 'default' | 'hyperv' | 'process' | '' | null
  readonly InitBinary?: string | null
  readonly ContainerdCommit?: Commit | null
  readonly RuncCommit?: Commit | null
  readonly InitCommit?: Commit | null
  readonly SecurityOptions?: readonly string[] | null
  readonly ProductLicense?: string | null
  readonly DefaultAddressPools?:
    | readonly {
        readonly Base?: string | null
        readonly Size?: number | null
      }[]
    | null
  readonly FirewallBackend?: FirewallInfo | null
  readonly DiscoveredDevices?: readonly DeviceInfo[] | null
  readonly NRI?: NRIInfo | null
  readonly Warnings?: readonly string[] | null
  readonly CDISpecDirs?: readonly string[] | null
  readonly Containerd?: ContainerdInfo | null
}

export interface ContainerdInfo {
  readonly Address?: string | null
  readonly Namespaces?: {
    readonly Containers?: string | null
    readonly Plugins?: string | null
  } | null
}

export interface FirewallInfo {
  readonly Driver?: string | null
  readonly Info?: readonly (readonly string[])[] | null
}

export interface PluginsInfo {
  readonly Volume?: readonly string[] | null
  readonly Network?: readonly string[] | null
  readonly Authorization?: readonly string[] | null
  readonly Log?: readonly string[] | null
}

export interface RegistryServiceConfig {
  readonly InsecureRegistryCIDRs?: readonly string[] | null
  readonly IndexConfigs?: Readonly<Record<string, IndexInfo>> | null
  readonly Mirrors?: readonly string[] | null
}

export interface IndexInfo {
  readonly Name?: string | null
  readonly Mirrors?: readonly string[] | null
  readonly Secure?: boolean | null
  readonly Official?: boolean | null
}

export interface Runtime {
  readonly path?: string | null
  readonly runtimeArgs?: readonly string[] | null
  readonly status?: Readonly<Record<string, string>> | null
}

export interface Commit {
  readonly ID?: string | null
}

export interface DeviceInfo {
  readonly Source?: string | null
  readonly ID?: string | null
}

export interface NRIInfo {
  readonly Info?: readonly (readonly string[])[] | null
}

export type GenericResources = readonly {
  readonly NamedResourceSpec?: {
    readonly Kind?: string | null
    readonly Value?: string | null
  } | null
  readonly DiscreteResourceSpec?: {
    readonly Kind?: string | null
    readonly Value?: number | null
  } | null
}[]

export interface EventActor {
  readonly ID?: string | null
  readonly Attributes?: Readonly<Record<string, string>> | null
}

export interface EventMessage {
  readonly Type?:
    | 'builder'
    | 'config'
    | 'container'
    | 'daemon'
    | 'image'
    | 'network'
    | 'node'
    | 'plugin'
    | 'secret'
    | 'service'
    | 'volume'
    | null
  readonly Action?: string | null
  readonly Actor?: EventActor | null
  readonly scope?: 'local' | 'swarm' | null
  readonly time?: number | null
  readonly timeNano?: number | null
}

export interface ErrorResponse {
  readonly message: string
}

export interface IDResponse {
  readonly Id: string
}
