import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import type { OciDescriptor, OciImageConfig } from '#spec/oci/image.ts'
import type { Reference } from '#spec/reference.ts'
import type { FetchedManifest } from './registry-session.ts'

/** Where pulled images go; `images/` has it. */
export interface PullTarget {
  /** The image with this configuration is complete here. */
  hasImage(config: Digest): boolean
  /** The image a name stands for now. */
  named(reference: Reference): Digest | null
  hasLayer(diffId: Digest): boolean
  /** Keeps what is stored from now on until it is disposed of, though no image names it yet. */
  hold(diffIds: readonly Digest[]): Disposable
  /** Opens a layer for writing; bytes that an earlier, broken pull left are in it already. */
  openLayer(blob: OciDescriptor, options: OpenLayerOptions): Promise<LayerIntake>
  /** Records an image all of whose layers are stored; durable when it resolves. */
  storeImage(image: PulledImage): Promise<void>
  /** Points a name at a stored image; durable when it resolves. */
  name(reference: Reference, image: Digest): Promise<void>
  /** After all names are given: tells whoever listens that `reference` was pulled. */
  pulled(reference: Reference, image: Digest): void
}

export interface OpenLayerOptions {
  /** What the inflated layer must digest to. */
  readonly diffId: Digest
  readonly signal: AbortSignal
  /** Told how many bytes of the blob were unpacked. */
  onUnpacked(bytes: number): void
}

/** A layer on its way in. Disposing of it without `commit` keeps the bytes for the next try, unless they were wrong. */
export interface LayerIntake extends AsyncDisposable {
  /** Bytes of the blob that are here. */
  readonly receivedBytes: number
  /** Appends; resolves when the next bytes may come. */
  write(chunk: Uint8Array): Promise<void>
  /** Resolves when all bytes were received and are what the digest promises. @throws DataLossError when not. */
  verify(): Promise<void>
  /** Resolves when the layer is unpacked and durable. */
  commit(): Promise<void>
  /** Forgets all that was received, for good: it was wrong. */
  discard(): Promise<void>
}

export interface PulledImage {
  readonly configBytes: Buffer
  readonly config: OciImageConfig
  /** The image's own manifest, and the index it was found in, if any. */
  readonly manifests: readonly FetchedManifest[]
  /** The layers' blobs, in the order of the configuration, and the repository they came from. */
  readonly blobs: readonly OciDescriptor[]
  readonly repository: Reference
}

/** Where pushed images come from; `images/` has it. */
export interface PushSource {
  /** The tagged names of the repository. */
  repository(reference: Reference): readonly { readonly reference: Reference; readonly image: Digest }[]
  named(reference: Reference): Digest | null
  open(image: Digest): PushImage
  /** Remembers that the repository has the blob, for mounts. */
  hasBlob(blob: Digest, repository: string): void
  /** Repositories of the same registry that are known to have the blob. */
  sources(blob: Digest, domain: string): readonly string[]
  /** Records the digest under which an image was pushed. */
  pushed(
    reference: Reference,
    options: { readonly image: Digest; readonly manifest: FetchedManifest },
  ): Promise<void>
}

/** An image to be pushed. */
export interface PushImage {
  readonly configBytes: Buffer
  readonly layers: readonly PushLayer[]
  /** The manifest it came with, if all its blobs are as they came: it is pushed byte for byte. */
  manifest(): FetchedManifest | null
  /** The index that it is pushed with, if all that it names is here. */
  index(): PushIndex | null
}

/** An index and what it names: images of several platforms, attestations. */
export interface PushIndex {
  readonly manifest: FetchedManifest
  readonly children: readonly {
    readonly manifest: FetchedManifest
    /** Null for a manifest that names the documents below and no image. */
    readonly image: Digest | null
    readonly documents: readonly { readonly descriptor: OciDescriptor; readonly bytes: Buffer }[]
  }[]
}

export interface PushLayer {
  readonly diffId: Digest
  /** Uncompressed; what progress is counted in before the blob is known. */
  readonly sizeBytes: number
  /** The blob of the layer; it is made (compressed and stored) when there is none. */
  blob(signal: AbortSignal): Promise<OciDescriptor>
  /** The blob's bytes from `offset` on. */
  read(blob: OciDescriptor, offset: number): Readable
}
