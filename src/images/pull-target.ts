import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import type { OciDescriptor, OciImageConfig } from '#spec/oci/image.ts'
import { canonicalName, familiarName, familiarString, type Reference } from '#spec/reference.ts'
import { BlobIntake } from './blob-intake.ts'
import type { ImageContent } from './image-content.ts'
import type { StoredManifest } from './image-store.ts'

/** Where pulled images go: what `registry/` declares as PullTarget. */
export class ImagePullTarget {
  readonly #content: ImageContent

  constructor(content: ImageContent) {
    this.#content = content
  }

  hasImage(config: Digest): boolean {
    return this.#content.store.get(config) !== null
  }

  named(reference: Reference): Digest | null {
    return this.#content.store.named(reference)
  }

  hasLayer(diffId: Digest): boolean {
    return this.#content.layers.has(diffId)
  }

  hold(diffIds: readonly Digest[]): Disposable {
    return this.#content.holds.hold(diffIds)
  }

  openLayer(
    blob: OciDescriptor,
    options: { readonly diffId: Digest; readonly signal: AbortSignal; onUnpacked(bytes: number): void },
  ): Promise<BlobIntake> {
    return BlobIntake.open(this.#content, blob, options)
  }

  async storeImage(image: {
    readonly configBytes: Buffer
    readonly config: OciImageConfig
    readonly manifests: readonly StoredManifest[]
    readonly blobs: readonly OciDescriptor[]
    readonly repository: Reference
  }): Promise<void> {
    const { store, layers, layerBlobs, database } = this.#content
    await failpoint('images.pull.before-record')
    store.atomically(() => {
      store.put({
        configBytes: image.configBytes,
        parent: null,
        layerSizes: image.config.rootfs.diff_ids.map((diffId) => layers.get(diffId).sizeBytes),
        manifests: image.manifests,
      })
      layerBlobs.settle(image.config.rootfs.diff_ids)
      for (const blob of image.blobs) layerBlobs.addSource(blob.digest, canonicalName(image.repository))
    })
    await database.durable()
  }

  async name(reference: Reference, image: Digest): Promise<void> {
    await failpoint('images.pull.before-name')
    // Pulling is not tagging: LastTagTime stays.
    this.#content.store.name(reference, image, { taggedAt: null })
    await this.#content.database.durable()
  }

  pulled(reference: Reference, image: Digest): void {
    const record = this.#content.store.get(image)
    if (record !== null)
      this.#content.notify('pull', {
        id: familiarString(reference),
        image: record,
        name: familiarName(reference),
      })
  }
}
