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
  sessions(domain: string, auth: ImagePushOptions['auth']): Promise<readonly RegistrySession[]>
}

interface LayersContext {
  readonly uploads: BlobUploads
  readonly options: ImagePushOptions
  /** The manifest that the image came with, if its blobs are to be pushed as it says. */
  readonly own: FetchedManifest | null
  readonly places: Semaphore
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
    for (const session of await this.#dependencies.sessions(repository.domain, options.auth)) {
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
    const index = image.index()
    const put = (manifest: FetchedManifest, name: string): Promise<void> =>
      putManifest(manifest, { session, reference, name, signal: options.signal })
    let manifest: FetchedManifest
    if (index === null)
      manifest = await this.#image(image, { uploads, options, own: image.manifest(), places })
    else {
      for (const child of index.children) {
        if (child.image !== null) {
          await this.#image(source.open(child.image), { uploads, options, own: child.manifest, places })
        }
        for (const { descriptor, bytes } of child.documents)
          await uploads.putBytes(descriptor, { bytes, signal: options.signal })
        await put(child.manifest, child.manifest.digest)
      }
      ;({ manifest } = index)
    }
    await put(manifest, reference.tag as string)
    await source.pushed(reference, { image: context.image, manifest })
    const sizeBytes = manifest.content.byteLength
    options.progress({ status: `${reference.tag}: digest: ${manifest.digest} size: ${sizeBytes}` })
    options.progress({
      progressDetail: {},
      aux: { Tag: reference.tag, Digest: manifest.digest, Size: sizeBytes },
    })
  }

  /** Uploads an image but its manifest, which it gives. */
  async #image(image: PushImage, context: LayersContext): Promise<FetchedManifest> {
    const { manifest, descriptor } = await this.#layers(image, context)
    const { signal } = context.options
    await context.uploads.putBytes(descriptor, { bytes: image.configBytes, signal })
    return manifest
  }

  /** Uploads the layers that the registry lacks; the manifest of it all. */
  async #layers(
    image: PushImage,
    context: LayersContext,
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

async function putManifest(
  manifest: FetchedManifest,
  at: {
    readonly session: RegistrySession
    readonly reference: Reference
    /** A tag, or the digest. */
    readonly name: string
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { path } = at.reference
  const response = await at.session.expect(
    {
      method: 'PUT',
      path: `${path}/manifests/${at.name}`,
      headers: { 'Content-Type': manifest.mediaType },
      body: manifest.content,
      scopes: [pushScope(path)],
      signal: at.signal,
    },
    [200, 201, 202],
  )
  response.body.resume()
  const answered = response.headers['docker-content-digest']
  if (answered === undefined || answered === manifest.digest) return
  throw new DataLossError(
    `the registry stored the manifest as ${String(answered)}, expected ${manifest.digest}`,
  )
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
