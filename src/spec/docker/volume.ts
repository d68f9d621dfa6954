/** Volumes. Engine API 1.56. */

export interface Volume {
  readonly Name: string
  readonly Driver: string
  readonly Mountpoint: string
  readonly CreatedAt?: string | null
  readonly Status?: Readonly<Record<string, object>> | null
  readonly Labels: Readonly<Record<string, string>>
  readonly Scope: 'local' | 'global'
  readonly ClusterVolume?: unknown | null
  readonly Options: Readonly<Record<string, string>>
  readonly UsageData?: {
    readonly Size: number
    readonly RefCount: number
  } | null
}

export interface VolumesDiskUsage {
  readonly ActiveCount?: number | null
  readonly TotalCount?: number | null
  readonly Reclaimable?: number | null
  readonly TotalSize?: number | null
  readonly Items?: readonly unknown[] | null
}

export interface VolumeCreateRequest {
  readonly Name?: string | null
  readonly Driver?: string | null
  readonly DriverOpts?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly ClusterVolumeSpec?: unknown | null
}

export interface VolumeListResponse {
  readonly Volumes?: readonly Volume[] | null
  readonly Warnings?: readonly string[] | null
}
