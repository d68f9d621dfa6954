import type { ImageLayer } from '#spec/image-layers.ts'
import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import type { ContainerConfig, ImageConfig } from '#spec/docker/container-config.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type * as I from '#spec/docker/image.ts'
import type * as O from '#spec/docker/options.ts'
import type { OciImageConfig, OciPlatform } from '#spec/oci/image.ts'
import type { Reference } from '#spec/reference.ts'

/** An image as it is stored: immutable content plus the names that point at it now. */
export interface ImageRecord {
  /** The digest of the configuration's bytes. */
  readonly id: Digest
  readonly config: OciImageConfig
  /** The diffIds of its layers, lowest first. */
  readonly layers: readonly Digest[]
  /** `busybox:latest`, as Docker prints names, sorted. */
  readonly repoTags: readonly string[]
  /** `busybox@sha256:…`: manifests under which it was pulled or pushed. */
  readonly repoDigests: readonly string[]
  /** The sum of its layers' sizes, as Docker counts. */
  readonly sizeBytes: number
  /** RFC 3339, or null where the configuration does not say. */
  readonly created: string | null
  readonly platform: OciPlatform
  /** The image that a commit or a classic build started from. */
  readonly parent: Digest | null
  /** RFC 3339, or null when it was never tagged here. */
  readonly lastTagTime: string | null
}

/** A container that uses an image. */
export interface ImageUser {
  readonly containerId: string
  readonly running: boolean
}

/** Who uses images: asked before one is removed, and for the counts of a list. `containers/` has it. */
export interface ImageUsers {
  usersOf(image: Digest): readonly ImageUser[]
}

/** Turns the lines of `--change` into a configuration: Dockerfile instructions that only set metadata. `builder/` has it. */
export type ConfigChanger = (config: ImageConfig, lines: readonly string[]) => ImageConfig

/** An image that a build or a commit made: its layers are stored already. */
export interface NewImage {
  readonly config: OciImageConfig
  /** The configuration's exact bytes, whose digest is the id; `config` as JSON when absent. */
  readonly configBytes?: Uint8Array
  readonly parent: Digest | null
  /** Names to give it, tags included. */
  readonly references: readonly Reference[]
  /**
   * Its own manifest first, an index over it last, between them documents that the index names (attestations): kept
   * byte for byte, and pushed with it.
   */
  readonly manifests?: readonly {
    readonly digest: Digest
    readonly mediaType: string
    readonly content: Buffer
  }[]
}

/** `POST /commit`, the container already resolved (and paused, where that was asked). */
export interface CommitRequest {
  /** The snapshot whose changes become the layer: the container's id. */
  readonly containerId: string
  /** The container's image; null when it was made from none. */
  readonly image: Digest | null
  /** The container's configuration, or the one the request gave. */
  readonly config: ContainerConfig
  readonly changes: readonly string[]
  readonly author: string
  readonly comment: string
  /** Name of the new image, or null for none. */
  readonly reference: Reference | null
  readonly signal?: AbortSignal
}

/** Looking up and making images: what containers and the builder need. */
export interface Images {
  /**
   * The image that a name (tag `latest` when none), a digest, an id or a unique prefix of an id stands for.
   * @throws NotFoundError `No such image: busybox:latest`; InvalidArgumentError `invalid reference format`;
   * NotFoundError in Docker's words when it is not of the platform asked for.
   */
  get(name: string, options?: { readonly platform?: O.PlatformSpec | null }): ImageRecord
  /** As `get`, null instead of NotFoundError. */
  find(name: string, options?: { readonly platform?: O.PlatformSpec | null }): ImageRecord | null
  /** The exact bytes of an image's configuration. @throws NotFoundError */
  configBytes(id: Digest): Buffer
  /** Every image, in no order. Not for the path of a container's start. */
  all(): readonly ImageRecord[]
  /**
   * Records an image whose layers are stored; durable when it resolves. Making one that exists adds its names.
   * @throws NotFoundError when a layer is not stored.
   */
  create(image: NewImage): Promise<ImageRecord>
  /** Commits a container's changes as an image; the events `commit` and `create` are the caller's and ours. */
  commit(request: CommitRequest): Promise<{ readonly Id: Digest }>
  /**
   * Pulls the image unless it is there (`always`: asks the registry in any case). For the builder's FROM.
   * @throws what `pull` throws.
   */
  ensure(
    name: string,
    options: {
      readonly always: boolean
      readonly platform: O.PlatformSpec | null
      readonly auth: O.RegistryAuth | null
      readonly progress: O.ProgressSink
      readonly signal: AbortSignal
    },
  ): Promise<ImageRecord>
}

/** The Engine API's view: one method per endpoint (see `api/backends.ts`). */
export interface ImageEndpoints {
  list(options: O.ImageListOptions): Promise<readonly I.ImageSummary[]>
  inspect(name: string, options: O.ImageInspectOptions): Promise<I.ImageInspect>
  history(
    name: string,
    options: { readonly platform: O.PlatformSpec | null },
  ): Promise<readonly I.ImageHistoryResponseItem[]>
  attestations(name: string, options: O.AttestationOptions): Promise<readonly I.AttestationStatement[]>
  /** The image's layers, lowest first. */
  layersOf(
    name: string,
    options: { readonly platform: O.PlatformSpec | null },
  ): Promise<readonly ImageLayer[]>
  /** The entries of one of the image's layers (0 is the lowest) as lines of JSON (`LayerFile`). @throws NotFoundError */
  layerFiles(
    name: string,
    options: O.Cancellable & { readonly layer: number; readonly platform: O.PlatformSpec | null },
  ): Promise<Readable>
  tag(name: string, target: { readonly repository: string; readonly tag: string }): Promise<void>
  /** Docker's order of steps: untag, then delete what no name, no child and no container holds. */
  remove(name: string, options: O.ImageRemoveOptions): Promise<readonly I.ImageDeleteResponseItem[]>
  prune(
    filters: Filters,
  ): Promise<{ ImagesDeleted: readonly I.ImageDeleteResponseItem[] | null; SpaceReclaimed: number }>
  count(): number
  pull(options: O.ImagePullOptions): Promise<void>
  push(options: O.ImagePushOptions): Promise<void>
  import(tar: Readable, options: O.ImageImportOptions): Promise<void>
  /** As `import`, from an HTTP URL. */
  importUrl(url: string, options: O.ImageImportOptions): Promise<void>
  load(tar: Readable, options: O.ImageLoadOptions): Promise<void>
  save(
    names: readonly string[],
    options: O.Cancellable & { readonly platforms: readonly O.PlatformSpec[] },
  ): Promise<Readable>
  search(
    term: string,
    options: O.Cancellable & {
      readonly limit: number | null
      readonly filters: Filters
      readonly auth: O.RegistryAuth | null
    },
  ): Promise<readonly object[]>
  /** `GET /system/df`, images: with SharedSize and Containers filled in. */
  diskUsage(): Promise<{ readonly layersSizeBytes: number; readonly images: readonly I.ImageSummary[] }>
}
