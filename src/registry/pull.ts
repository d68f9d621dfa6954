import { digestOf, type Digest } from '#base/digest.ts'
import { DataLossError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { ImagePullOptions, PlatformSpec, ProgressSink } from '#spec/docker/options.ts'
import {
  isIndexType,
  isManifestType,
  type OciDescriptor,
  type OciImageConfig,
  type OciManifest,
} from '#spec/oci/image.ts'
import { MAX_CONFIG_BYTES, parseImageConfig, parseIndex, parseManifest } from '#spec/oci/parse.ts'
import { choosePlatform, hostPlatform, matchesPlatform, platformText } from '#spec/oci/platform.ts'
import {
  familiarName,
  familiarString,
  parseReference,
  withDefaultTag,
  withDigest,
  withTag,
  type Reference,
} from '#spec/reference.ts'
import { fetchAttestations } from './attestations.ts'
import type { LayerDownloads, WantedLayer } from './layer-downloads.ts'
import type { PullTarget } from './ports.ts'
import { progressLine } from './progress.ts'
import { pullError } from './pull-error.ts'
import { readLimited } from './read-limited.ts'
import type { FetchedManifest, RegistrySession } from './registry-session.ts'

interface PullerDependencies {
  readonly target: PullTarget
  readonly downloads: LayerDownloads
  /** Endpoints of the domain, best first, each ready for the user. */
  sessions(domain: string, auth: ImagePullOptions['auth']): Promise<readonly RegistrySession[]>
}

interface PullContext {
  readonly session: RegistrySession
  readonly platform: PlatformSpec | null
  readonly progress: ProgressSink
  readonly signal: AbortSignal
}

interface ChosenManifest {
  readonly manifest: FetchedManifest
  /** The index it was found in, if any, and its entries. */
  readonly parents: readonly FetchedManifest[]
  readonly entries: readonly OciDescriptor[]
}

/** `docker pull`: one name, or all tags of a repository. Progress begins when the registry has answered. */
export class Puller {
  readonly #dependencies: PullerDependencies

  constructor(dependencies: PullerDependencies) {
    this.#dependencies = dependencies
  }

  /** @throws errors in Docker's words (`pull-error.ts`); what was downloaded until then is kept for the next try. */
  async pull(options: ImagePullOptions): Promise<void> {
    const parsed = parseReference(options.reference)
    if (options.allTags && (parsed.tag !== null || parsed.digest !== null)) {
      throw new InvalidArgumentError("tag can't be used with --all-tags/-a")
    }
    const reference = options.allTags ? parsed : withDefaultTag(parsed)
    let failure: unknown = null
    for (const session of await this.#dependencies.sessions(reference.domain, options.auth)) {
      let began = false
      const progress: ProgressSink = (message) => {
        began = true
        options.progress(message)
      }
      const context: PullContext = { session, platform: options.platform, progress, signal: options.signal }
      try {
        await (options.allTags ? this.#pullAll(reference, context) : this.#pullOne(reference, context))
        return
      } catch (error) {
        options.signal.throwIfAborted()
        failure = error
        if (began && !session.endpoint.isMirror) break
        if (!session.endpoint.isMirror && !isUnreachable(error)) break
      }
    }
    throw pullError(failure, reference)
  }

  async #pullOne(reference: Reference, context: PullContext): Promise<void> {
    const changed = await this.#pullName(reference, context)
    reportStatus(context.progress, { name: familiarString(reference), changed })
  }

  async #pullAll(reference: Reference, context: PullContext): Promise<void> {
    const tags = await context.session.tags(reference.path, context.signal)
    if (tags.length === 0) throw new NotFoundError(`repository ${familiarName(reference)} has no tags`)
    let changed = false
    for (const tag of tags) {
      const tagged = withTag(reference, tag)
      if (await this.#pullName(tagged, context)) changed = true
    }
    reportStatus(context.progress, { name: familiarName(reference), changed })
  }

  /** Tells whether the name stands for another image than before. */
  async #pullName(reference: Reference, context: PullContext): Promise<boolean> {
    const { target } = this.#dependencies
    const { session, signal, progress } = context
    const wanted = reference.digest ?? reference.tag ?? ''
    const fetched = await session.manifest(reference.path, { reference: wanted, signal })
    const id = reference.digest === null ? wanted : familiarString(reference)
    progress({ status: `Pulling from ${reference.path}`, id })
    const { manifest, parents, entries } = await this.#choose(fetched, { reference, context })
    const { config: configDescriptor, layers } = parsedManifest(manifest)
    if (!target.hasImage(configDescriptor.digest)) {
      const configBytes = await this.#config(configDescriptor, { reference, context })
      const config = parseImageConfig(configBytes)
      checkConfig(config, { layers: layers.length, platform: context.platform })
      const wantedLayers = layers.map((blob, index) => ({
        blob,
        diffId: config.rootfs.diff_ids[index] as Digest,
      }))
      using _held = target.hold(config.rootfs.diff_ids)
      const attestations = fetchAttestations(entries, {
        image: manifest.digest,
        session,
        path: reference.path,
        signal,
      })
      attestations.catch(() => {})
      await this.#layers(wantedLayers, { reference, context })
      await target.storeImage({
        configBytes,
        config,
        manifests: [manifest, ...(await attestations), ...parents],
        blobs: layers,
        repository: reference,
      })
    }
    const image = configDescriptor.digest
    const before = target.named(reference)
    await target.name(withDigest(reference, fetched.digest), image)
    if (reference.digest === null) await target.name(reference, image)
    target.pulled(reference, image)
    progress({ status: `Digest: ${fetched.digest}` })
    return before !== image
  }

  /** The manifest for the platform; the indexes it was found in are kept with it. */
  async #choose(
    fetched: FetchedManifest,
    options: { readonly reference: Reference; readonly context: PullContext },
  ): Promise<ChosenManifest> {
    if (isManifestType(fetched.mediaType)) return { manifest: fetched, parents: [], entries: [] }
    if (!isIndexType(fetched.mediaType)) {
      throw new InvalidArgumentError(
        `unsupported manifest media type and no default available: ${fetched.mediaType}`,
      )
    }
    const { context, reference } = options
    const platform = context.platform ?? hostPlatform()
    const entries = parseIndex(fetched.content).manifests
    const entry = choosePlatform(entries, platform)
    if (entry === null) {
      throw new NotFoundError(
        `no matching manifest for ${shownPlatform(platform)} in the manifest list entries`,
      )
    }
    const manifest = await context.session.manifest(reference.path, {
      reference: entry.digest,
      signal: context.signal,
    })
    if (!isManifestType(manifest.mediaType)) {
      throw new InvalidArgumentError(`unsupported manifest media type in an index: ${manifest.mediaType}`)
    }
    return { manifest, parents: [fetched], entries }
  }

  async #config(
    descriptor: OciManifest['config'],
    options: { readonly reference: Reference; readonly context: PullContext },
  ): Promise<Buffer> {
    if (descriptor.size > MAX_CONFIG_BYTES) throw new InvalidArgumentError('image configuration is too large')
    const { context, reference } = options
    const { body } = await context.session.blob(reference.path, {
      digest: descriptor.digest,
      offset: 0,
      signal: context.signal,
    })
    const bytes = await readLimited(body, descriptor.size)
    if (digestOf(bytes) !== descriptor.digest)
      throw new DataLossError(`image config verification failed for digest ${descriptor.digest}`)
    return bytes
  }

  async #layers(
    layers: readonly WantedLayer[],
    options: { readonly reference: Reference; readonly context: PullContext },
  ): Promise<void> {
    const { target, downloads } = this.#dependencies
    const { progress, session } = options.context
    const failed = new AbortController()
    const signal = AbortSignal.any([options.context.signal, failed.signal])
    const missing = layers.filter(({ blob, diffId }) => {
      const line = progressLine(progress, blob.digest)
      if (!target.hasLayer(diffId)) return true
      line.status('Already exists')
      return false
    })
    for (const { blob } of missing) progressLine(progress, blob.digest).status('Pulling fs layer')
    const results = await Promise.allSettled(
      missing.map(async (layer) => {
        const line = progressLine(progress, layer.blob.digest)
        try {
          await downloads.fetch(layer, { session, path: options.reference.path, line, signal })
        } catch (error) {
          failed.abort(error)
          throw error
        }
      }),
    )
    options.context.signal.throwIfAborted()
    if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason
  }
}

function parsedManifest(manifest: FetchedManifest): OciManifest {
  const parsed = parseManifest(manifest.content)
  if (!parsed.config.mediaType.includes('image')) {
    // Artifacts (charts, signatures, modules) share the manifest format; Docker refuses them in these words.
    throw new InvalidArgumentError(`unsupported media type ${parsed.config.mediaType}`)
  }
  return parsed
}

function checkConfig(
  config: OciImageConfig,
  options: { readonly layers: number; readonly platform: PlatformSpec | null },
): void {
  if (config.rootfs.diff_ids.length !== options.layers) {
    throw new InvalidArgumentError('invalid rootfs in image configuration')
  }
  const os = config.os === '' ? 'linux' : config.os
  if (!matchesPlatform({ os: 'linux' }, { os })) {
    throw new InvalidArgumentError(
      `image operating system "${os}" cannot be used on this platform: operating system is not supported`,
    )
  }
}

function reportStatus(
  progress: ProgressSink,
  options: { readonly name: string; readonly changed: boolean },
): void {
  const words = options.changed ? 'Downloaded newer image' : 'Image is up to date'
  progress({ status: `Status: ${words} for ${options.name}` })
}

function shownPlatform(platform: PlatformSpec): string {
  const isArm64 = platform.architecture === 'arm64' && !platform.variant
  return platformText(isArm64 ? { ...platform, variant: 'v8' } : platform)
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && error.name === 'TransportError'
}
