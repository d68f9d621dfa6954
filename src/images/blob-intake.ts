import type { Digest } from '#base/digest.ts'
import { DataLossError, InvalidArgumentError } from '#errors/errors.ts'
import type { OciDescriptor } from '#spec/oci/image.ts'
import type { Blobs, BlobWriter } from '#store/blobs.ts'
import type { ContentHolds } from './content-holds.ts'
import type { LayerBlobs } from './layer-blobs.ts'
import type { LayerRecord, Layers } from './layers/layers.ts'
import type { PartialBlobs } from './partial-blobs.ts'

interface IntakeDependencies {
  readonly blobs: Blobs
  readonly layers: Layers
  readonly layerBlobs: LayerBlobs
  readonly partials: PartialBlobs
  readonly holds: ContentHolds
}

interface IntakeOptions {
  readonly diffId: Digest
  readonly signal: AbortSignal
  onUnpacked(bytes: number): void
}

/** A compressed layer on its way in: one pass writes the blob, digests it, and unpacks it beside (`PullTarget.openLayer`). */
export class BlobIntake implements AsyncDisposable {
  readonly #dependencies: IntakeDependencies
  readonly #blob: OciDescriptor
  readonly #diffId: Digest
  readonly #writer: BlobWriter
  readonly #unpacked: Promise<LayerRecord>
  readonly #held: Disposable
  #failure: unknown = null
  #verified = false
  #stored = false

  private constructor(
    dependencies: IntakeDependencies,
    parts: { blob: OciDescriptor; diffId: Digest; writer: BlobWriter; unpacked: Promise<LayerRecord> },
  ) {
    this.#dependencies = dependencies
    this.#blob = parts.blob
    this.#diffId = parts.diffId
    this.#writer = parts.writer
    this.#unpacked = parts.unpacked
    this.#held = dependencies.holds.holdBlobs([parts.blob.digest])
    this.#unpacked.catch((error: unknown) => {
      this.#failure = error
    })
  }

  /** Opens the intake; what an earlier download left is in it already. */
  static async open(
    dependencies: IntakeDependencies,
    blob: OciDescriptor,
    options: IntakeOptions,
  ): Promise<BlobIntake> {
    const { blobs, layers, partials } = dependencies
    const writer = await blobs.writer(options.signal)
    try {
      const earlier = await partials.read(blob.digest)
      if (earlier !== null) await copyUpTo(earlier, { writer, maxBytes: blob.size })
      await partials.adopt(blob.digest, writer.path)
    } catch (error) {
      await writer[Symbol.asyncDispose]()
      throw error
    }
    const unpacked = layers.ingest(
      { blob: writer },
      { expectedDiffId: options.diffId, signal: options.signal, onProgress: options.onUnpacked },
    )
    return new BlobIntake(dependencies, { blob, diffId: options.diffId, writer, unpacked })
  }

  get receivedBytes(): number {
    return this.#writer.writtenBytes
  }

  async write(chunk: Uint8Array): Promise<void> {
    // Bytes that make no layer may be damaged on their way: only the digest tells, at the end. A full disk is at once.
    if (this.#failure !== null && !isAboutBytes(this.#failure)) throw this.#failure
    await this.#writer.write(chunk)
  }

  async verify(): Promise<void> {
    const { digest, size } = this.#blob
    try {
      await this.#writer.commit({ digest, sizeBytes: size })
    } catch (error) {
      if (!(error instanceof DataLossError)) throw error
      throw new DataLossError(`filesystem layer verification failed for digest ${digest}`, { cause: error })
    }
    this.#verified = true
    await this.#dependencies.partials.forget(digest)
  }

  async commit(): Promise<void> {
    await this.#unpacked
    this.#dependencies.layerBlobs.put(this.#blob, this.#diffId)
    this.#dependencies.layerBlobs.arrive(this.#diffId)
    this.#stored = true
  }

  async discard(): Promise<void> {
    await this.#dependencies.partials.forget(this.#blob.digest)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]()
    await this.#unpacked.catch(() => {})
    this.#held[Symbol.dispose]()
    if (this.#stored || !this.#verified) return
    // The bytes are what the digest says, but no layer.
    if (this.#dependencies.layerBlobs.diffIdOf(this.#blob.digest) === null) {
      await this.#dependencies.blobs.remove(this.#blob.digest)
    }
  }
}

function isAboutBytes(error: unknown): boolean {
  return error instanceof InvalidArgumentError || error instanceof DataLossError
}

async function copyUpTo(
  source: AsyncIterable<Buffer>,
  options: { readonly writer: BlobWriter; readonly maxBytes: number },
): Promise<void> {
  for await (const chunk of source) {
    const room = options.maxBytes - options.writer.writtenBytes
    await options.writer.write(chunk.subarray(0, room))
    if (chunk.byteLength >= room) return
  }
}
