import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { ConflictError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { EventSink } from '#events/events.ts'
import type { Cancellable, ImagePullOptions, ImagePushOptions } from '#spec/docker/options.ts'
import type { OciDescriptor } from '#spec/oci/image.ts'
import { familiarName, familiarString, parseReference, withDefaultTag, withTag } from '#spec/reference.ts'
import type { Blobs } from '#store/blobs.ts'
import type { Database } from '#store/database.ts'
import type { GarbageRoots } from '#store/garbage.ts'
import { ContentHolds } from './content-holds.ts'
import { ImageCatalog } from './image-catalog.ts'
import { commitContainer } from './image-commit.ts'
import type { ImageContent } from './image-content.ts'
import { importImage } from './image-import.ts'
import { imageLayers } from './image-layers.ts'
import { loadImages } from './image-load.ts'
import { ImageRemoval } from './image-removal.ts'
import { resolveForPlatform } from './image-resolver.ts'
import { saveImages } from './image-save.ts'
import type {
  ConfigChanger,
  ImageEndpoints,
  ImageRecord,
  Images,
  ImageUsers,
  NewImage,
} from './image-service.ts'
import { ImageStore } from './image-store.ts'
import { LayerBlobs } from './layer-blobs.ts'
import type { Layers } from './layers/layers.ts'
import { PartialBlobs } from './partial-blobs.ts'
import { ImagePullTarget } from './pull-target.ts'
import { ImagePushSource } from './push-source.ts'
import type { Snapshots } from './snapshots.ts'

/** What images need of registries; `registry/` has it. */
export interface RegistryTransport {
  pull(options: ImagePullOptions): Promise<void>
  push(options: ImagePushOptions): Promise<void>
  search: ImageEndpoints['search']
  download(url: string, options: Cancellable): Promise<Readable>
}

export interface ImagesDependencies {
  readonly database: Database
  readonly dataRoot: string
  readonly blobs: Blobs
  readonly layers: Layers
  readonly snapshots: Pick<Snapshots, 'commit' | 'driver'>
  /** Asks for a garbage collection soon; `roots` below is among those it asks. */
  readonly collect: () => void
  readonly users: ImageUsers
  readonly events: EventSink
  readonly changer: ConfigChanger
  readonly log: Logger
  /** Makes the transport, which pulls into and pushes from these. */
  readonly registry: (ports: {
    readonly target: ImagePullTarget
    readonly source: ImagePushSource
  }) => RegistryTransport
}

/** Images, for the API, for containers and for the builder. */
export interface ImageService extends Images, ImageEndpoints {
  /** Keeps every layer until disposed of: for builds, which learn diffIds as they go. */
  holdLayers(): Disposable
  /** What garbage collection keeps for the sake of images and of work on them. */
  readonly roots: GarbageRoots
  /** The compressed form of a layer, which is made if there is none. Hold layers meanwhile. */
  compressed(diffId: Digest, signal: AbortSignal): Promise<OciDescriptor>
  /** Compressed blobs that hold a layer, stored or not. */
  blobsOf(diffId: Digest): readonly Digest[]
}

/** Opens the images of a data root. `imageSchema` must be among the database's schemas. */
export function openImages(dependencies: ImagesDependencies): ImageService {
  const { database, blobs, layers, snapshots, users, changer } = dependencies
  const content: ImageContent = {
    database,
    store: new ImageStore(database),
    layers,
    layerBlobs: new LayerBlobs(database),
    blobs,
    partials: new PartialBlobs(join(dependencies.dataRoot, 'partial')),
    holds: new ContentHolds(dependencies.collect),
    log: dependencies.log,
    notify(action, { id, image, name }) {
      const attributes = { ...image.config.config?.Labels, name: name ?? image.id }
      dependencies.events.publish({ type: 'image', action, id, attributes })
    },
  }
  const { store } = content
  content.layerBlobs.forgetUnneeded()
  const source = new ImagePushSource(content)
  const registry = dependencies.registry({
    target: new ImagePullTarget(content),
    source,
  })
  const catalog = new ImageCatalog({ store, users, driverName: snapshots.driver.name })
  const removal = new ImageRemoval({
    store,
    users,
    notice: (action, image) => content.notify(action, { id: image.id, image }),
  })
  /** Runs work that may leave layers behind when it fails. */
  const sweepingOnFailure = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      dependencies.collect()
      throw error
    }
  }
  const service: ImageService = {
    compressed: (diffId, signal) => source.blobOf(diffId, signal),
    blobsOf: (diffId) => content.layerBlobs.of(diffId).map(({ digest }) => digest as Digest),
    get: (name, options = {}) => resolveForPlatform(store, name, options.platform ?? null),
    find(name, options = {}) {
      try {
        return resolveForPlatform(store, name, options.platform ?? null)
      } catch (error) {
        if (error instanceof NotFoundError) return null
        throw error
      }
    },
    configBytes(id) {
      const bytes = store.configBytes(id)
      if (bytes === null) throw new NotFoundError(`No such image: ${id}`)
      return bytes
    },
    all: () => store.ids().flatMap((id) => store.get(id) ?? []),
    create: (image) => createImage(content, image),
    commit: (request) =>
      sweepingOnFailure(() =>
        commitContainer(
          { content, changer, commitSnapshot: (id, options) => snapshots.commit(id, options) },
          request,
        ),
      ),
    async ensure(name, { always, ...options }) {
      const present = always ? null : service.find(name, options)
      if (present !== null) return present
      if (isId(name)) return service.get(name, options)
      await service.pull({ ...options, reference: name, allTags: false })
      return service.get(name, options)
    },
    list: (options) => Promise.resolve(catalog.list(options)),
    inspect: async (name, options) => catalog.inspect(name, options),
    history: async (name, options) => catalog.history(name, options),
    attestations: async (name, options) => catalog.attestations(name, options),
    async layersOf(name, { platform }) {
      const image = resolveForPlatform(store, name, platform)
      return imageLayers(image, store.layerSizes(image.id))
    },
    async layerFiles(name, { layer, platform, signal }) {
      const diffId = resolveForPlatform(store, name, platform).layers[layer]
      if (diffId === undefined) throw new NotFoundError(`image ${name} has no layer ${layer}`)
      return layers.files(diffId, { signal })
    },
    tag: (name, target) => tagImage(content, name, target),
    async remove(name, options) {
      const only = options.platforms[0]
      if (only !== undefined) resolveForPlatform(store, name, only)
      return await durably(() => removal.remove(name, options))
    },
    async prune(filters) {
      const result = await durably(() => {
        // Who prunes wants the space, also that of pulls which broke off.
        content.layerBlobs.settle(content.layerBlobs.arrived())
        return removal.prune(filters)
      })
      const reclaimed = String(result.SpaceReclaimed)
      dependencies.events.publish({ type: 'image', action: 'prune', id: '', attributes: { reclaimed } })
      return result
    },
    count: () => store.count(),
    async pull(options) {
      await sweepingOnFailure(() => registry.pull(options))
      if (options.platform !== null && !options.allTags) warnOfPlatform(store, options)
    },
    async push(options) {
      if (options.platform !== null) {
        const name = options.tag === null ? options.repository : `${options.repository}:${options.tag}`
        resolveForPlatform(store, name, options.platform)
      }
      await registry.push(options)
    },
    search: (term, options) => registry.search(term, options),
    import: (tar: Readable, options) =>
      sweepingOnFailure(() => importImage(content, tar, { ...options, changer })),
    async importUrl(url, options) {
      const tar = await registry.download(url, options)
      options.progress({ status: `Downloading from ${url}` })
      const message = options.message === '' ? `Imported from ${url}` : options.message
      await service.import(tar, { ...options, message })
    },
    load: (tar: Readable, options) => sweepingOnFailure(() => loadImages(content, tar, options)),
    save: async (names, options) => saveImages(content, names, options),
    diskUsage: () => Promise.resolve(catalog.diskUsage()),
    holdLayers: () => content.holds.holdAll(),
    roots: {
      *layers() {
        yield* store.layerUse().keys()
        yield* content.layerBlobs.arrived()
        yield* content.holds.layers()
      },
      *blobs() {
        yield* content.layerBlobs.needed()
        yield* content.holds.blobs()
      },
      isBusy: () => content.holds.isBusy(),
    },
  }
  return service

  /** Removes records as one transaction, and the layers after the answer. */
  async function durably<T>(work: () => T): Promise<T> {
    try {
      const result = store.atomically(work)
      content.layerBlobs.forgetUnneeded()
      await failpoint('images.remove.before-durable')
      await database.durable()
      return result
    } finally {
      dependencies.collect()
    }
  }
}

/** An image for one platform is pulled whatever platform was asked for; that it is another one is only said. */
function warnOfPlatform(store: ImageStore, options: ImagePullOptions): void {
  try {
    resolveForPlatform(
      store,
      familiarString(withDefaultTag(parseReference(options.reference))),
      options.platform,
    )
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    options.progress({ status: `WARNING: ${error.message}` })
  }
}

function isId(name: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(name)
}

async function createImage(content: ImageContent, image: NewImage): Promise<ImageRecord> {
  const { store, layers, database } = content
  const layerSizes = image.config.rootfs.diff_ids.map((diffId) => layers.get(diffId).sizeBytes)
  const taggedAt = new Date().toISOString()
  const id: Digest = store.atomically(() => {
    const configBytes = image.configBytes ?? Buffer.from(JSON.stringify(image.config))
    const stored = store.put({
      configBytes,
      parent: image.parent,
      layerSizes,
      manifests: image.manifests ?? [],
    })
    for (const reference of image.references) store.name(withDefaultTag(reference), stored.id, { taggedAt })
    return stored.id
  })
  await database.durable()
  const record = store.get(id)
  if (record === null) throw new NotFoundError(`No such image: ${id}`)
  for (const reference of image.references) {
    content.notify('tag', { id, image: record, name: familiarString(withDefaultTag(reference)) })
  }
  return record
}

async function tagImage(
  content: ImageContent,
  name: string,
  target: { readonly repository: string; readonly tag: string },
): Promise<void> {
  const image = resolveForPlatform(content.store, name, null)
  const repository = parseReference(target.repository)
  if (repository.digest !== null)
    throw new InvalidArgumentError('refusing to create a tag with a digest reference')
  const reference = target.tag === '' ? withDefaultTag(repository) : withTag(repository, target.tag)
  if (familiarName(reference) === 'sha256') {
    throw new ConflictError('refusing to create an ambiguous tag using digest algorithm as name')
  }
  content.store.name(reference, image.id, { taggedAt: new Date().toISOString() })
  await content.database.durable()
  content.notify('tag', { id: image.id, image, name: familiarString(reference) })
}
