import type { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import { NotFoundError } from '#errors/errors.ts'
import {
  DOCKER_LAYER_GZIP,
  isForeignLayerType,
  isIndexType,
  isManifestType,
  type OciDescriptor,
} from '#spec/oci/image.ts'
import { parseIndex, parseManifest } from '#spec/oci/parse.ts'
import { familiarName, familiarString, withDigest, type Reference } from '#spec/reference.ts'
import type { ImageContent } from './image-content.ts'
import type { StoredManifest } from './image-store.ts'

/** A layer as a push sees it. */
interface PushedLayer {
  readonly diffId: Digest
  readonly sizeBytes: number
  blob(signal: AbortSignal): Promise<OciDescriptor>
  read(blob: OciDescriptor, offset: number): Readable
}

/** An index with all that it names. */
interface PushedIndex {
  readonly manifest: StoredManifest
  readonly children: readonly PushedChild[]
}

/** An entry of an index: an image, or a manifest with the documents that it names. */
interface PushedChild {
  readonly manifest: StoredManifest
  readonly image: Digest | null
  readonly documents: readonly { readonly descriptor: OciDescriptor; readonly bytes: Buffer }[]
}

/** Where pushed images come from: what `registry/` declares as PushSource. */
export class ImagePushSource {
  readonly #content: ImageContent
  readonly #compressing = new KeyedLock<Digest>()

  constructor(content: ImageContent) {
    this.#content = content
  }

  repository(reference: Reference): readonly { readonly reference: Reference; readonly image: Digest }[] {
    return this.#content.store.repository(reference)
  }

  named(reference: Reference): Digest | null {
    return this.#content.store.named(reference)
  }

  hasBlob(blob: Digest, repository: string): void {
    this.#content.layerBlobs.addSource(blob, repository)
  }

  sources(blob: Digest, domain: string): readonly string[] {
    return this.#content.layerBlobs.sources(blob, domain)
  }

  open(id: Digest): {
    configBytes: Buffer
    layers: readonly PushedLayer[]
    manifest(): StoredManifest | null
    index(): PushedIndex | null
  } {
    const { store, blobs } = this.#content
    const image = store.get(id)
    const configBytes = store.configBytes(id)
    if (image === null || configBytes === null) throw new NotFoundError(`No such image: ${id}`)
    const sizes = store.layerSizes(id)
    return {
      configBytes,
      layers: image.layers.map((diffId, index) => ({
        diffId,
        sizeBytes: sizes[index] ?? 0,
        blob: (signal) => this.blobOf(diffId, signal),
        read: (blob, offset) => blobs.read(blob.digest, { start: offset }),
      })),
      manifest: () => intactManifest(this.#content, id),
      index: () => this.#index(id),
    }
  }

  /** The index of an image of which everything is here; null where there is none or a part is missing. */
  #index(id: Digest): PushedIndex | null {
    const { store } = this.#content
    const manifest = store.manifests(id).findLast(({ mediaType }) => isIndexType(mediaType))
    if (manifest === undefined) return null
    const children: PushedChild[] = []
    for (const { digest } of parseIndex(manifest.content).manifests) {
      const owner = store.byManifest(digest)
      const documents = owner === null ? [] : store.manifests(owner)
      const child = documents.find((document) => document.digest === digest)
      if (owner === null || child === undefined) return null
      const parsed = parseManifest(child.content)
      if (parsed.config.digest === owner) {
        if (!isIntact(this.#content, child)) return null
        children.push({ manifest: child, image: owner, documents: [] })
        continue
      }
      const named = [parsed.config, ...parsed.layers].map((descriptor) => ({
        descriptor,
        bytes: documents.find((document) => document.digest === descriptor.digest)?.content,
      }))
      if (named.some(({ bytes }) => bytes === undefined)) return null
      children.push({ manifest: child, image: null, documents: named as PushedChild['documents'] })
    }
    return { manifest, children }
  }

  async pushed(
    reference: Reference,
    options: { readonly image: Digest; readonly manifest: StoredManifest },
  ): Promise<void> {
    const { store, database } = this.#content
    await failpoint('images.push.before-record')
    store.atomically(() => {
      store.putManifest(options.image, options.manifest)
      store.name(withDigest(reference, options.manifest.digest), options.image, { taggedAt: null })
    })
    await database.durable()
    const image = store.get(options.image)
    if (image !== null)
      this.#content.notify('push', { id: familiarString(reference), image, name: familiarName(reference) })
  }

  /** The compressed form of a layer; made once, and kept so that a later push gives the same digests. */
  async blobOf(diffId: Digest, signal: AbortSignal): Promise<OciDescriptor> {
    const { layers, layerBlobs, blobs, database } = this.#content
    using _held = await this.#compressing.acquire(diffId)
    const known = layerBlobs.of(diffId).find((blob) => blobs.has(blob.digest))
    if (known !== undefined) return known
    await using writer = await blobs.writer(signal)
    const compressed = layers.tar(diffId).pipe(createGzip({ chunkSize: 256 * 1024 }))
    for await (const chunk of compressed as AsyncIterable<Buffer>) await writer.write(chunk)
    const { digest, sizeBytes } = await writer.commit()
    const blob: OciDescriptor = { mediaType: DOCKER_LAYER_GZIP, digest, size: sizeBytes }
    layerBlobs.put(blob, diffId)
    await database.durable()
    return blob
  }
}

/** The manifest an image came with, if every blob it names is here byte for byte. */
export function intactManifest(content: ImageContent, id: Digest): StoredManifest | null {
  const manifest = content.store.manifests(id).find(({ mediaType }) => isManifestType(mediaType))
  if (manifest === undefined) return null
  return isIntact(content, manifest) ? manifest : null
}

function isIntact(content: ImageContent, manifest: StoredManifest): boolean {
  return parseManifest(manifest.content).layers.every(
    (layer) => isForeignLayerType(layer.mediaType) || content.blobs.has(layer.digest),
  )
}
