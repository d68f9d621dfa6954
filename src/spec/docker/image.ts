import type { ImageConfig } from './container-config.ts'

/** Images, their history, and the registry's words on them. Engine API 1.56. */

export interface DriverData {
  readonly Name: string
  readonly Data: Readonly<Record<string, string>> | null
}

export interface OCIPlatform {
  readonly architecture?: string | null
  readonly os?: string | null
  readonly 'os.version'?: string | null
  readonly 'os.features'?: readonly string[] | null
  readonly variant?: string | null
}

export interface OCIDescriptor {
  readonly mediaType?: string | null
  readonly digest?: string | null
  readonly size?: number | null
  readonly urls?: readonly string[] | null
  readonly annotations?: Readonly<Record<string, string>> | null
  readonly data?: string | null
  readonly platform?: OCIPlatform | null
  readonly artifactType?: string | null
}

/** Where an image comes from, as far as the daemon itself knows. */
export interface Identity {
  readonly Pull?: readonly { readonly Repository: string }[]
}

export interface AttestationStatement {
  readonly Descriptor: OCIDescriptor
  readonly PredicateType: string
  readonly Statement?: Readonly<Record<string, unknown>> | null
}

export interface ImageManifestSummary {
  readonly ID: string
  readonly Descriptor: OCIDescriptor
  readonly Available: boolean
  readonly Size: {
    readonly Total: number
    readonly Content: number
  }
  readonly Kind: 'image' | 'attestation' | 'unknown'
  readonly ImageData?: {
    readonly Platform: OCIPlatform
    readonly Identity?: Identity | null
    readonly Containers: readonly string[]
    readonly Size: {
      readonly Unpacked: number
    }
  } | null
  readonly AttestationData?: {
    readonly For: string
  } | null
}

export interface ImageInspect {
  readonly Id?: string | null
  readonly Descriptor?: OCIDescriptor | null
  readonly Manifests?: readonly ImageManifestSummary[] | null
  readonly Identity?: Identity | null
  readonly RepoTags?: readonly string[] | null
  readonly RepoDigests?: readonly string[] | null
  readonly Comment?: string | null
  readonly Created?: string | null
  readonly Author?: string | null
  readonly Config?: ImageConfig | null
  readonly Architecture?: string | null
  readonly Variant?: string | null
  readonly Os?: string | null
  readonly OsVersion?: string | null
  readonly Size?: number | null
  readonly GraphDriver?: DriverData | null
  readonly RootFS?: {
    readonly Type: string
    readonly Layers?: readonly string[] | null
  } | null
  readonly Metadata?: {
    readonly LastTagTime?: string | null
  } | null
}

export interface ImageSummary {
  readonly Id: string
  readonly ParentId: string
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Created: number
  readonly Size: number
  readonly SharedSize: number
  readonly Labels: Readonly<Record<string, string>>
  readonly Containers: number
  readonly Manifests?: readonly ImageManifestSummary[] | null
  readonly Descriptor?: OCIDescriptor | null
}

export interface ImagesDiskUsage {
  readonly ActiveCount?: number | null
  readonly TotalCount?: number | null
  readonly Reclaimable?: number | null
  readonly TotalSize?: number | null
  readonly Items?: readonly unknown[] | null
}

export interface ImageHistoryResponseItem {
  readonly Id: string
  readonly Created: number
  readonly CreatedBy: string
  readonly Tags: readonly string[]
  readonly Size: number
  readonly Comment: string
}

export interface ImageDeleteResponseItem {
  readonly Untagged?: string | null
  readonly Deleted?: string | null
}

export interface DistributionInspect {
  readonly Descriptor: OCIDescriptor
  readonly Platforms: readonly OCIPlatform[]
}

export interface AuthConfig {
  readonly username?: string | null
  readonly password?: string | null
  readonly serveraddress?: string | null
}

export interface AuthResponse {
  readonly Status: string
  readonly IdentityToken?: string | null
}
