import type { ContainerConfig } from './container-config.ts'
import type { HostConfig, MountPoint, PortMap } from './host-config.ts'
import type { DriverData, OCIDescriptor } from './image.ts'
import type { EndpointSettings } from './network.ts'

/** What the daemon says of containers. Engine API 1.56. */

export interface HealthcheckResult {
  readonly Start?: string | null
  readonly End?: string | null
  readonly ExitCode?: number | null
  readonly Output?: string | null
}

export interface Health {
  readonly Status?: 'none' | 'starting' | 'healthy' | 'unhealthy' | null
  readonly FailingStreak?: number | null
  readonly Log?: readonly HealthcheckResult[] | null
}

export interface ContainerState {
  readonly Status?: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead' | null
  readonly Running?: boolean | null
  readonly Paused?: boolean | null
  readonly Restarting?: boolean | null
  readonly OOMKilled?: boolean | null
  readonly Dead?: boolean | null
  readonly Pid?: number | null
  readonly ExitCode?: number | null
  readonly Error?: string | null
  readonly StartedAt?: string | null
  readonly FinishedAt?: string | null
  readonly Health?: Health | null
}

export interface Storage {
  readonly RootFS?: RootFSStorage | null
}

export interface RootFSStorageSnapshot {
  readonly Name?: string | null
}

export interface RootFSStorage {
  readonly Snapshot?: RootFSStorageSnapshot | null
}

export interface NetworkSettings {
  readonly SandboxID?: string | null
  readonly SandboxKey?: string | null
  readonly Ports?: PortMap | null
  readonly Networks?: Readonly<Record<string, EndpointSettings>> | null
}

export interface Address {
  readonly Addr?: string | null
  readonly PrefixLen?: number | null
}

export interface ContainerInspectResponse {
  readonly Id?: string | null
  readonly Created?: string | null
  readonly Path?: string | null
  readonly Args?: readonly string[] | null
  readonly State?: ContainerState | null
  readonly Image?: string | null
  readonly ResolvConfPath?: string | null
  readonly HostnamePath?: string | null
  readonly HostsPath?: string | null
  readonly LogPath?: string | null
  readonly Name?: string | null
  readonly RestartCount?: number | null
  readonly Driver?: string | null
  readonly Platform?: string | null
  readonly ImageManifestDescriptor?: OCIDescriptor | null
  readonly MountLabel?: string | null
  readonly ProcessLabel?: string | null
  readonly AppArmorProfile?: string | null
  readonly ExecIDs?: readonly string[] | null
  readonly HostConfig?: HostConfig | null
  readonly GraphDriver?: DriverData | null
  readonly Storage?: Storage | null
  readonly SizeRw?: number | null
  readonly SizeRootFs?: number | null
  readonly Mounts?: readonly MountPoint[] | null
  readonly Config?: ContainerConfig | null
  readonly NetworkSettings?: NetworkSettings | null
}

export interface PortSummary {
  readonly IP?: string | null
  readonly PrivatePort: number
  readonly PublicPort?: number | null
  readonly Type: 'tcp' | 'udp' | 'sctp'
}

export interface ContainerSummary {
  readonly Id?: string | null
  readonly Names?: readonly string[] | null
  readonly Image?: string | null
  readonly ImageID?: string | null
  readonly ImageManifestDescriptor?: OCIDescriptor | null
  readonly Command?: string | null
  readonly Created?: number | null
  readonly Ports?: readonly PortSummary[] | null
  readonly SizeRw?: number | null
  readonly SizeRootFs?: number | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly State?: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead' | null
  readonly Status?: string | null
  readonly HostConfig?: {
    readonly NetworkMode?: string | null
    readonly Annotations?: Readonly<Record<string, string>> | null
  } | null
  readonly NetworkSettings?: {
    readonly Networks?: Readonly<Record<string, EndpointSettings>> | null
  } | null
  readonly Mounts?: readonly MountPoint[] | null
  readonly Health?: {
    readonly Status?: 'none' | 'starting' | 'healthy' | 'unhealthy' | null
    readonly FailingStreak?: number | null
  } | null
}

export interface ContainersDiskUsage {
  readonly ActiveCount?: number | null
  readonly TotalCount?: number | null
  readonly Reclaimable?: number | null
  readonly TotalSize?: number | null
  readonly Items?: readonly unknown[] | null
}

export interface ContainerCreateResponse {
  readonly Id: string
  readonly Warnings: readonly string[]
}

export interface ContainerUpdateResponse {
  readonly Warnings?: readonly string[] | null
}

export interface ContainerTopResponse {
  readonly Titles?: readonly string[] | null
  readonly Processes?: readonly (readonly string[])[] | null
}

export interface ContainerWaitExitError {
  readonly Message?: string | null
}

export interface ContainerWaitResponse {
  readonly StatusCode: number
  readonly Error?: ContainerWaitExitError | null
}

export type ChangeType = number

export interface FilesystemChange {
  readonly Path: string
  readonly Kind: ChangeType
}

export interface ProcessConfig {
  readonly privileged?: boolean | null
  readonly user?: string | null
  readonly tty?: boolean | null
  readonly entrypoint?: string | null
  readonly arguments?: readonly string[] | null
}
