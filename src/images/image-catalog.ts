import type { Digest } from '#base/digest.ts'
import type * as I from '#spec/docker/image.ts'
import type * as O from '#spec/docker/options.ts'
import { familiarString } from '#spec/reference.ts'
import { createdMs, listFilter } from './image-filters.ts'
import { attestationsOf } from './image-attestations.ts'
import { identityOf, manifestSummaries, targetDescriptor } from './image-manifests.ts'
import { resolveForPlatform, resolveImage } from './image-resolver.ts'
import type { ImageRecord, ImageUsers } from './image-service.ts'
import type { ImageStore } from './image-store.ts'

/** What Go prints for a time that was never set. */
const ZERO_TIME = '0001-01-01T00:00:00Z'

interface CatalogDependencies {
  readonly store: ImageStore
  readonly users: ImageUsers
  /** The storage driver's name, for `GraphDriver`. */
  readonly driverName: string
}

/** Looking at images: `docker images`, `docker image inspect`, `docker history`. */
export class ImageCatalog {
  readonly #store: ImageStore
  readonly #users: ImageUsers
  readonly #driverName: string

  constructor(dependencies: CatalogDependencies) {
    this.#store = dependencies.store
    this.#users = dependencies.users
    this.#driverName = dependencies.driverName
  }

  /** Newest first. Images in between of a classic build are shown with `all` only. */
  list(options: O.ImageListOptions & { readonly containers?: boolean }): I.ImageSummary[] {
    const filter = listFilter(options.filters, this.#store)
    const layerUse = options.sharedSize ? this.#store.layerUse() : null
    const summaries: I.ImageSummary[] = []
    for (const id of this.#store.ids()) {
      const image = this.#store.get(id)
      if (image === null || !filter.accepts(image)) continue
      const names = this.#store.references(id)
      const shown = filter.acceptsName === null ? names : names.filter(filter.acceptsName)
      if (shown.length === 0 && (filter.acceptsName !== null || filter.dangling === false)) continue
      if (shown.length === 0 && !options.all && this.#store.children(id).length > 0) continue
      if (filter.dangling === true && shown.some((name) => name.tag !== null)) continue
      summaries.push({
        Id: id,
        ParentId: image.parent ?? '',
        RepoTags: shown.filter((name) => name.digest === null).map(familiarString),
        RepoDigests: shown.filter((name) => name.digest !== null).map(familiarString),
        Created: Math.floor(createdMs(image) / 1000),
        Size: image.sizeBytes,
        SharedSize: layerUse === null ? -1 : sharedSize(image, layerUse),
        Labels: image.config.config?.Labels ?? {},
        Containers: options.containers === true ? this.#users.usersOf(id).length : -1,
        ...(options.manifests ? { Manifests: this.#manifests(image, options.identity) } : {}),
        ...(options.manifests ? { Descriptor: targetDescriptor(this.#store, image) } : {}),
      })
    }
    return summaries.toSorted((a, b) => b.Created - a.Created)
  }

  inspect(name: string, options: O.ImageInspectOptions): I.ImageInspect {
    const image = resolveForPlatform(this.#store, name, options.platform)
    const { config } = image
    const identity = identityOf(this.#store, image)
    return {
      Id: image.id,
      RepoTags: image.repoTags,
      RepoDigests: image.repoDigests,
      ...(config.comment === undefined ? {} : { Comment: config.comment }),
      Created: image.created ?? ZERO_TIME,
      ...(config.author === undefined ? {} : { Author: config.author }),
      Config: config.config ?? {},
      Architecture: image.platform.architecture,
      ...(image.platform.variant === undefined ? {} : { Variant: image.platform.variant }),
      Os: image.platform.os,
      ...(config['os.version'] === undefined ? {} : { OsVersion: config['os.version'] }),
      Size: image.sizeBytes,
      ...(identity === null ? {} : { Identity: identity }),
      GraphDriver: { Name: this.#driverName, Data: {} },
      RootFS: { Type: 'layers', Layers: image.layers },
      Metadata: { LastTagTime: image.lastTagTime ?? ZERO_TIME },
      ...(options.manifests
        ? { Manifests: this.#manifests(image), Descriptor: targetDescriptor(this.#store, image) }
        : {}),
    }
  }

  #manifests(image: ImageRecord, withIdentity = false): I.ImageManifestSummary[] {
    return manifestSummaries(this.#store, { image, users: this.#users.usersOf(image.id), withIdentity })
  }

  /** Statements about the image for its platform. */
  attestations(name: string, options: O.AttestationOptions): I.AttestationStatement[] {
    const { id } = resolveForPlatform(this.#store, name, options.platform)
    return attestationsOf(this.#store, { ...options, image: id })
  }

  /** Newest step first. Steps that other machines made have the id `<missing>`. */
  history(name: string, options: { readonly platform: O.PlatformSpec | null }): I.ImageHistoryResponseItem[] {
    const image = resolveForPlatform(this.#store, name, options.platform)
    const sizes = this.#store.layerSizes(image.id)
    let layer = 0
    const oldestFirst = (image.config.history ?? []).map((step) => ({
      Id: '<missing>',
      Created: step.created === undefined ? -62_135_596_800 : Math.floor(Date.parse(step.created) / 1000),
      CreatedBy: step.created_by ?? '',
      Tags: null as unknown as readonly string[],
      Size: step.empty_layer === true ? 0 : (sizes[layer++] ?? 0),
      Comment: step.comment ?? '',
    }))
    const ancestors = this.#ancestors(image)
    return oldestFirst.toReversed().map((item, index) => {
      const ancestor = ancestors[index]
      return ancestor === undefined ? item : { ...item, Id: ancestor.id, Tags: tagsOrNull(ancestor) }
    })
  }

  /** The image and those it was committed from, one history step each. */
  #ancestors(image: ImageRecord): ImageRecord[] {
    const chain: ImageRecord[] = []
    const seen = new Set<Digest>()
    for (let next: ImageRecord | null = image; next !== null && !seen.has(next.id);) {
      seen.add(next.id)
      chain.push(next)
      next = next.parent === null ? null : this.#store.get(next.parent)
    }
    return chain
  }

  /** `GET /system/df`: each layer counts once. */
  diskUsage(): { layersSizeBytes: number; images: I.ImageSummary[] } {
    const images = this.list({
      all: true,
      filters: new Map(),
      sharedSize: true,
      manifests: false,
      containers: true,
    })
    let layersSizeBytes = 0
    for (const { sizeBytes } of this.#store.layerUse().values()) layersSizeBytes += sizeBytes
    return { layersSizeBytes, images }
  }

  get(name: string): ImageRecord {
    return resolveImage(this.#store, name)
  }
}

/** Go prints a list that was never made as null. */
function tagsOrNull(image: ImageRecord): readonly string[] {
  return image.repoTags.length === 0 ? (null as unknown as readonly string[]) : image.repoTags
}

function sharedSize(image: ImageRecord, layerUse: ReturnType<ImageStore['layerUse']>): number {
  let total = 0
  for (const diffId of image.layers) {
    const use = layerUse.get(diffId)
    if (use !== undefined && use.images > 1) total += use.sizeBytes
  }
  return total
}
