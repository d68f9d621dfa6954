import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { digestHex, digestOf, type Digest } from '#base/digest.ts'
import { NotFoundError } from '#errors/errors.ts'
import type { PlatformSpec } from '#spec/docker/options.ts'
import {
  isForeignLayerType,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_TAR,
  OCI_MANIFEST,
  type OciDescriptor,
  type OciIndex,
  type OciManifest,
} from '#spec/oci/image.ts'
import { parseManifest } from '#spec/oci/parse.ts'
import { matchesPlatform, platformText } from '#spec/oci/platform.ts'
import {
  canonicalString,
  familiarName,
  familiarString,
  parseReference,
  type Reference,
} from '#spec/reference.ts'
import type { ImageContent } from './image-content.ts'
import { resolveImage } from './image-resolver.ts'
import type { ImageRecord } from './image-service.ts'
import type { StoredManifest } from './image-store.ts'
import { intactManifest } from './push-source.ts'

/** An image to be saved, under these names. */
interface Saved {
  readonly image: ImageRecord
  readonly references: Reference[]
}

const EPOCH = new Date(0)

/**
 * `docker save`: one archive that is a docker archive and an OCI layout at once. Blobs are written as they came, so
 * that ids and manifest digests are the same after a load. Who asks for a missing image learns it before a byte is sent.
 * @throws NotFoundError
 */
export function saveImages(
  content: ImageContent,
  names: readonly string[],
  options: { readonly platforms: readonly PlatformSpec[]; readonly signal: AbortSignal },
): Readable {
  const chosen = chooseImages(content, names, options.platforms)
  const held = content.holds.holdAll()
  const archive = pack()
  write(content, archive, { chosen, signal: options.signal })
    .then(
      () => archive.finalize(),
      (error: unknown) => archive.destroy(error as Error),
    )
    .finally(() => held[Symbol.dispose]())
  const stream = Readable.from(archive, { objectMode: false })
  stream.once('close', () => archive.destroy())
  for (const { image } of chosen) content.notify('save', { id: image.id, image, name: image.id })
  return stream
}

function chooseImages(
  content: ImageContent,
  names: readonly string[],
  platforms: readonly PlatformSpec[],
): Saved[] {
  const chosen = new Map<Digest, Saved>()
  for (const name of names) {
    const repository = wholeRepository(content, name)
    const found = repository ?? [
      {
        image: savedImage(content, name),
        reference: taggedName(content, name),
      },
    ]
    for (const { image: id, reference } of found) {
      const image = content.store.get(id)
      if (image === null) throw new NotFoundError(`No such image: ${name}`)
      for (const platform of platforms) {
        if (matchesPlatform(platform, image.platform)) continue
        throw new NotFoundError(`no suitable export target found for platform ${platformText(platform)}`)
      }
      const saved = chosen.get(id) ?? { image, references: [] }
      const isNew =
        reference !== null &&
        !saved.references.some((known) => familiarString(known) === familiarString(reference))
      if (isNew) saved.references.push(reference)
      chosen.set(id, saved)
    }
  }
  return [...chosen.values()]
}

/** A bare repository name stands for all its tags, as in Docker. */
function wholeRepository(
  content: ImageContent,
  name: string,
): { image: Digest; reference: Reference }[] | null {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(name)) return null
  const reference = parseReference(name)
  if (reference.tag !== null || reference.digest !== null) return null
  const tags = content.store.repository(reference)
  return tags.length === 0 ? null : [...tags]
}

/** The name to save an image under: none when it was asked for by id or digest. */
function taggedName(content: ImageContent, name: string): Reference | null {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(name)) return null
  const reference = parseReference(name)
  return reference.tag !== null && reference.digest === null && content.store.named(reference) !== null
    ? reference
    : null
}

async function write(
  content: ImageContent,
  archive: Pack,
  options: { readonly chosen: readonly Saved[]; readonly signal: AbortSignal },
): Promise<void> {
  const writer = new LayoutWriter(content, archive, options.signal)
  const dockerManifest = []
  const index: OciDescriptor[] = []
  const repositories: Record<string, Record<string, string>> = {}
  for (const { image, references } of options.chosen) {
    const { manifest, layers, config } = await writer.image(image)
    index.push(...indexEntries(manifest, { image, references }))
    dockerManifest.push({
      Config: blobPath(config),
      RepoTags: references.length === 0 ? null : references.map(familiarString),
      Layers: layers.map((layer) => blobPath(layer.digest)),
      LayerSources: Object.fromEntries(image.layers.map((diffId, at) => [diffId, layers[at]])),
    })
    const top = layers.at(-1)
    for (const reference of references) {
      if (top === undefined || reference.tag === null) continue
      const tags = (repositories[familiarName(reference)] ??= {})
      tags[reference.tag] = digestHex(top.digest)
    }
  }
  const layout: OciIndex = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: index }
  writer.document('index.json', layout)
  writer.document('manifest.json', dockerManifest)
  writer.document('oci-layout', { imageLayoutVersion: '1.0.0' })
  if (Object.keys(repositories).length > 0) writer.document('repositories', repositories)
}

class LayoutWriter {
  readonly #content: ImageContent
  readonly #archive: Pack
  readonly #signal: AbortSignal
  readonly #written = new Set<Digest>()

  constructor(content: ImageContent, archive: Pack, signal: AbortSignal) {
    this.#content = content
    this.#archive = archive
    this.#signal = signal
    for (const name of ['blobs/', 'blobs/sha256/'])
      archive.entry({ name, type: 'directory', mode: 0o755, mtime: EPOCH })
  }

  /** Writes all blobs of an image that are not in the archive yet. */
  async image(image: ImageRecord): Promise<{
    readonly manifest: StoredManifest
    readonly config: Digest
    readonly layers: readonly OciDescriptor[]
  }> {
    const { store, blobs, layers } = this.#content
    const configBytes = store.configBytes(image.id)
    if (configBytes === null) throw new NotFoundError(`No such image: ${image.id}`)
    const manifest = intactManifest(this.#content, image.id) ?? this.#newManifest(image, configBytes)
    const parsed = parseManifest(manifest.content)
    for (const [index, layer] of parsed.layers.entries()) {
      const diffId = image.layers[index]
      if (blobs.has(layer.digest)) await this.#blob(layer, () => blobs.read(layer.digest))
      else if (diffId === layer.digest) await this.#blob(layer, () => layers.tar(diffId))
      else if (!isForeignLayerType(layer.mediaType)) throw new NotFoundError(`blob ${layer.digest} not found`)
    }
    this.#bytes(image.id, configBytes)
    this.#bytes(manifest.digest, manifest.content)
    return { manifest, config: image.id, layers: parsed.layers }
  }

  document(name: string, value: unknown): void {
    this.#archive.entry({ name, mode: 0o644, mtime: EPOCH }, JSON.stringify(value))
  }

  /** Layers that were made here have no compressed form: their tar is saved as it is. */
  #newManifest(image: ImageRecord, configBytes: Buffer): StoredManifest {
    const manifest: OciManifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: image.id, size: configBytes.byteLength },
      layers: image.layers.map((digest) => ({
        mediaType: OCI_LAYER_TAR,
        digest,
        size: this.#content.layers.get(digest).tarBytes,
      })),
    }
    const content = Buffer.from(JSON.stringify(manifest))
    return { digest: digestOf(content), mediaType: OCI_MANIFEST, content }
  }

  async #blob(blob: OciDescriptor, open: () => Readable): Promise<void> {
    if (this.#written.has(blob.digest)) return
    this.#written.add(blob.digest)
    const entry = this.#archive.entry({
      name: blobPath(blob.digest),
      size: blob.size,
      mode: 0o644,
      mtime: EPOCH,
    })
    await pipeline(open(), entry, { signal: this.#signal })
  }

  #bytes(digest: Digest, bytes: Buffer): void {
    if (this.#written.has(digest)) return
    this.#written.add(digest)
    this.#archive.entry({ name: blobPath(digest), mode: 0o644, mtime: EPOCH }, bytes)
  }
}

/** One entry for each name, as containerd writes them; one without when there is none. */
function indexEntries(manifest: StoredManifest, saved: Saved): OciDescriptor[] {
  const entry = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.content.byteLength,
    platform: saved.image.platform,
  }
  if (saved.references.length === 0) return [entry]
  return saved.references.map((reference) => ({
    ...entry,
    annotations: {
      'io.containerd.image.name': canonicalString(reference),
      'org.opencontainers.image.ref.name': reference.tag ?? '',
    },
  }))
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`
}

/** Here dockerd names the image as it was asked for, without the tag that it looked for. */
function savedImage(content: ImageContent, name: string): Digest {
  try {
    return resolveImage(content.store, name).id
  } catch (error) {
    if (error instanceof NotFoundError) throw new NotFoundError(`No such image: ${name}`, { cause: error })
    throw error
  }
}
