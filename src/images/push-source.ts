import type { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Digest } from '#base/digest.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import { NotFoundError } from '#errors/errors.ts'
import { DOCKER_LAYER_GZIP, isForeignLayerType, isManifestType, type OciDescriptor } from '#spec/oci/image.ts'
import { parseManifest } from '#spec/oci/parse.ts'
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
        blob: (signal) => this.#blobOf(diffId, signal),
        read: (blob, offset) => blobs.read(blob.digest, { start: offset }),
      })),
      manifest: () => intactManifest(this.#content, id),
    }
  }

  async pushed(
    reference: Reference,
    options: { readonly image: Digest; readonly manifest: StoredManifest },
  ): Promise<void> {
    const { store, database } = this.#content
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
  async #blobOf(diffId: Digest, signal: AbortSignal): Promise<OciDescriptor> {
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
  const { layers } = parseManifest(manifest.content)
  const isIntact = layers.every(
    (layer) => isForeignLayerType(layer.mediaType) || content.blobs.has(layer.digest),
  )
  return isIntact ? manifest : null
}
