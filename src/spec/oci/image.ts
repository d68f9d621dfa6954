/**
 * The OCI image format (image-spec 1.1): descriptors, manifests, indexes and configurations, with the Docker schema 2
 * types that registries still serve. Data only: what came over a wire is checked by `images/manifest.ts`.
 */
import type { Digest } from '#base/digest.ts'
import type { ImageConfig } from '../docker/container-config.ts'

/** Media types of manifests. */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
/** Media types of configurations. */
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
/** Media types of layers that Wharf itself writes. */
export const OCI_LAYER_TAR = 'application/vnd.oci.image.layer.v1.tar'
export const OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip'
export const OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd'
export const DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
export const DOCKER_LAYER_TAR = 'application/vnd.docker.image.rootfs.diff.tar'
/** Layers that may be fetched from `urls` only (Docker's foreign layers, OCI's non-distributable ones). */
export const DOCKER_FOREIGN_GZIP = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'

/** The platform of a descriptor in an index (image-index.md). */
export interface OciPlatform {
  readonly architecture: string
  readonly os: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

/** A content descriptor (descriptor.md). */
export interface OciDescriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: OciPlatform
  readonly artifactType?: string
}

/** An image manifest (manifest.md; Docker schema 2 has the same shape). */
export interface OciManifest {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly config: OciDescriptor
  readonly layers: readonly OciDescriptor[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** An image index (image-index.md; Docker's manifest list has the same shape). */
export interface OciIndex {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly manifests: readonly OciDescriptor[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** One step in an image's history (config.md, `history`). */
export interface OciHistory {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** An image configuration (config.md) with the fields that Docker adds. Its digest is the image's id. */
export interface OciImageConfig {
  readonly architecture: string
  readonly os: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
  /** RFC 3339 with up to nanoseconds. */
  readonly created?: string
  readonly author?: string
  /** Docker's: the message of a commit or an import. */
  readonly comment?: string
  readonly config?: ImageConfig
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history?: readonly OciHistory[]
}

/** Tells whether the media type is that of an index or a manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST
}

/** Tells whether the media type is that of a single image's manifest. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST
}

/** Tells whether the layer's bytes are to be fetched from its `urls` and may not be pushed. */
export function isForeignLayerType(mediaType: string): boolean {
  return mediaType.includes('.foreign.') || mediaType.includes('.nondistributable.')
}

/** The image manifest that an index's entry holds statements about (BuildKit, attestation storage); null for other entries. */
export function attestedBy(entry: OciDescriptor): string | null {
  if (entry.annotations?.['vnd.docker.reference.type'] !== 'attestation-manifest') return null
  return entry.annotations['vnd.docker.reference.digest'] ?? null
}
