import { digestOf, type Digest } from '#base/digest.ts'
import { DataLossError, NotFoundError } from '#errors/errors.ts'
import type { ImagePushOptions } from '#spec/docker/options.ts'
import { DOCKER_CONFIG, DOCKER_MANIFEST, type OciDescriptor, type OciManifest } from '#spec/oci/image.ts'
import { parseManifest } from '#spec/oci/parse.ts'
import {
  canonicalName,
  familiarName,
  familiarString,
  parseReference,
  withTag,
  type Reference,
} from '#spec/reference.ts'
import { BlobUploads } from './blob-uploads.ts'
import type { PushImage, PushSource } from './ports.ts'
import { progressLine } from './progress.ts'
import { pushError } from './pull-error.ts'
import { pushScope, type FetchedManifest, type RegistrySession } from './registry-session.ts'
import type { Semaphore } from './semaphore.ts'

interface PusherDependencies {
  readonly source: PushSource
  readonly places: Semaphore
  sessions(domain: string, auth: ImagePushOptions['auth']): readonly RegistrySession[]
}

/** `docker push`: one tag, or all tags of a repository. */
export class Pusher {
  readonly #dependencies: PusherDependencies

  constructor(dependencies: PusherDependencies) {
    this.#dependencies = dependencies
  }

  /** @throws NotFoundError when there is no such name here; errors of the registry in its words. */
  async push(options: ImagePushOptions): Promise<void> {
    const repository = parseReference(options.repository)
    let failure: unknown = null
    options.progress({ status: `The push refers to repository [${canonicalName(repository)}]` })
    const tags = this.#tagsOf(repository, options.tag)
    for (const session of this.#dependencies.sessions(repository.domain, options.auth)) {
      if (session.endpoint.isMirror) continue
      try {
        await session.greet(options.signal)
        for (const { reference, image } of tags) await this.#pushTag(reference, { image, session, options })
        return
      } catch (error) {
        options.signal.throwIfAborted()
        const isUnreachable = error instanceof Error && error.name === 'TransportError'
        failure = error
        if (!isUnreachable) break
      }
    }
    throw pushError(failure)
  }

  #tagsOf(
    repository: Reference,
    tag: string | null,
  ): readonly { readonly reference: Reference; readonly image: Digest }[] {
    const { source } = this.#dependencies
    const all = source.repository(repository)
    if (all.length === 0) {
      throw new NotFoundError(`An image does not exist locally with the tag: ${familiarName(repository)}`)
    }
    if (tag === null || tag === '') return all
    const reference = withTag(repository, tag)
    const image = source.named(reference)
    if (image === null) throw new NotFoundError(`tag does not exist: ${familiarString(reference)}`)
    return [{ reference, image }]
  }

  async #pushTag(
    reference: Reference,
    context: {
      readonly image: Digest
      readonly session: RegistrySession
      readonly options: ImagePushOptions
    },
  ): Promise<void> {
    const { source, places } = this.#dependencies
    const { session, options } = context
    const image = source.open(context.image)
    const uploads = new BlobUploads({ session, source, repository: reference })
    const own = image.manifest()
    const config = await this.#layers(image, { uploads, options, own, places })
    await uploads.putBytes(config.descriptor, { bytes: image.configBytes, signal: options.signal })
    const { manifest } = config
    const response = await session.expect(
      {
        method: 'PUT',
        path: `${reference.path}/manifests/${reference.tag}`,
        headers: { 'Content-Type': manifest.mediaType },
        body: manifest.content,
        scopes: [pushScope(reference.path)],
        signal: options.signal,
      },
      [200, 201, 202],
    )
    response.body.resume()
    const answered = response.headers['docker-content-digest']
    if (answered !== undefined && answered !== manifest.digest) {
      throw new DataLossError(
        `the registry stored the manifest as ${String(answered)}, expected ${manifest.digest}`,
      )
    }
    await source.pushed(reference, { image: context.image, manifest })
    const sizeBytes = manifest.content.byteLength
    options.progress({ status: `${reference.tag}: digest: ${manifest.digest} size: ${sizeBytes}` })
    options.progress({
      progressDetail: {},
      aux: { Tag: reference.tag, Digest: manifest.digest, Size: sizeBytes },
    })
  }

  /** Uploads what the registry lacks; the manifest of it all. */
  async #layers(
    image: PushImage,
    context: {
      readonly uploads: BlobUploads
      readonly options: ImagePushOptions
      readonly own: FetchedManifest | null
      readonly places: Semaphore
    },
  ): Promise<{ readonly manifest: FetchedManifest; readonly descriptor: OciDescriptor }> {
    const { uploads, options, own, places } = context
    const parsed = own === null ? null : parseManifest(own.content)
    // Docker prints the uppermost layer first; a layer that is there twice is pushed once.
    const lines = image.layers.map((layer) => progressLine(options.progress, layer.diffId))
    for (const line of lines.toReversed()) line.status('Preparing')
    const failed = new AbortController()
    const signal = AbortSignal.any([options.signal, failed.signal])
    const done = new Map<Digest, Promise<OciDescriptor>>()
    const push = (index: number): Promise<OciDescriptor> => {
      const layer = image.layers[index] as PushImage['layers'][number]
      const line = lines[index] as ReturnType<typeof progressLine>
      const known = done.get(layer.diffId)
      if (known !== undefined) return known
      const pushed = (async () => {
        if (places.isFull) line.status('Waiting')
        using _place = await places.enter(signal)
        return await uploads.putLayer(layer, { line, signal, blob: parsed?.layers[index] ?? null })
      })()
      done.set(layer.diffId, pushed)
      pushed.catch((error: unknown) => failed.abort(error))
      return pushed
    }
    const order = image.layers.map((_, index) => index).toReversed()
    const results = await Promise.allSettled(order.map(push))
    options.signal.throwIfAborted()
    if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason
    if (own !== null && parsed !== null) return { manifest: own, descriptor: parsed.config }
    const blobs = await Promise.all(image.layers.map((_, index) => push(index)))
    const manifest = newManifest(image, blobs)
    return { manifest, descriptor: parseManifest(manifest.content).config }
  }
}

/** The manifest of an image that was made here: Docker's schema 2, which every registry takes. */
function newManifest(image: PushImage, blobs: readonly OciDescriptor[]): FetchedManifest {
  const manifest: OciManifest = {
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: {
      mediaType: DOCKER_CONFIG,
      size: image.configBytes.byteLength,
      digest: digestOf(image.configBytes),
    },
    layers: blobs.map(({ mediaType, size, digest }) => ({ mediaType, size, digest })),
  }
  const content = Buffer.from(JSON.stringify(manifest, null, 3))
  return { digest: digestOf(content), mediaType: DOCKER_MANIFEST, content }
}
