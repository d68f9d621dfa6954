import { digestHex, digestOf, type Digest } from '#base/digest.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { PlatformSpec } from '#spec/docker/options.ts'
import {
  isIndexType,
  isManifestType,
  OCI_MANIFEST,
  type OciDescriptor,
  type OciImageConfig,
} from '#spec/oci/image.ts'
import { parseImageConfig, parseIndex, parseManifest } from '#spec/oci/parse.ts'
import { hostPlatform, matchesPlatform, platformText } from '#spec/oci/platform.ts'
import { parseReference, type Reference } from '#spec/reference.ts'
import { plainPath, type ArchiveContents } from './archive-contents.ts'
import type { StoredManifest } from './image-store.ts'

/** An image that an archive describes, checked against the layers that were in it. */
export interface ArchivedImage {
  readonly configBytes: Buffer
  readonly config: OciImageConfig
  readonly manifests: readonly StoredManifest[]
  readonly references: readonly Reference[]
}

interface DockerManifestItem {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  readonly Layers: readonly string[] | null
}

/** How deep indexes may be nested. */
const MAX_NESTING = 4

/**
 * The images of an archive: by `manifest.json` (docker save) when it is there, else by `index.json` (OCI layout).
 * @throws InvalidArgumentError in Docker's words when the two do not fit the layers.
 */
export function imagesOf(contents: ArchiveContents, platforms: readonly PlatformSpec[]): ArchivedImage[] {
  const docker = contents.documents.get('manifest.json')
  const images = docker !== undefined ? dockerImages(contents, docker) : layoutImages(contents, platforms)
  if (platforms.length === 0) return images
  const wanted = images.filter((image) =>
    platforms.some((platform) => matchesPlatform(platform, image.config)),
  )
  for (const platform of platforms) {
    if (!wanted.some((image) => matchesPlatform(platform, image.config))) {
      throw new InvalidArgumentError(
        `requested platform (${platformText(platform)}) not found in the archive`,
      )
    }
  }
  return wanted
}

function dockerImages(contents: ArchiveContents, document: Buffer): ArchivedImage[] {
  const manifests = layoutManifests(contents)
  return parseDockerManifest(document).map((item) => {
    const configBytes = contents.documents.get(plainPath(item.Config))
    if (configBytes === undefined)
      throw new InvalidArgumentError(`open ${item.Config}: no such file or directory`)
    const config = parseImageConfig(configBytes)
    const layers = (item.Layers ?? []).map((path) => contents.layers.get(plainPath(path)) ?? missing(path))
    checkLayers(config, layers)
    const own = manifests.get(digestOf(configBytes))
    const references = (item.RepoTags ?? []).map(taggedReference)
    return { configBytes, config, manifests: own === undefined ? [] : [own], references }
  })
}

/** The manifests of the OCI layout beside, by the image they are of: kept so that a push gives the same digest. */
function layoutManifests(contents: ArchiveContents): Map<Digest, StoredManifest> {
  const found = new Map<Digest, StoredManifest>()
  const index = contents.documents.get('index.json')
  if (index === undefined) return found
  for (const { manifest } of leaves(contents, parseIndex(index).manifests)) {
    try {
      found.set(parseManifest(manifest.content).config.digest, manifest)
    } catch (error) {
      // `manifest.json` is what the archive is read by; some tools write a poor layout beside it.
      if (!(error instanceof InvalidArgumentError)) throw error
    }
  }
  return found
}

function layoutImages(contents: ArchiveContents, platforms: readonly PlatformSpec[]): ArchivedImage[] {
  const document = contents.documents.get('index.json')
  if (document === undefined)
    throw new InvalidArgumentError('invalid archive: does not contain a manifest.json or index.json')
  const images = new Map<Digest, ArchivedImage>()
  for (const { manifest, names, isAlone } of leaves(contents, parseIndex(document).manifests)) {
    const parsed = parseManifest(manifest.content)
    if (!parsed.config.mediaType.includes('image')) continue
    const configBytes = contents.documents.get(blobPath(parsed.config.digest))
    if (configBytes === undefined) continue
    const config = parseImageConfig(configBytes)
    // Of an image for many platforms the one that was asked for is loaded, or the one that runs here.
    const wanted = platforms.length > 0 ? platforms : [hostPlatform()]
    if (!isAlone && !wanted.some((platform) => matchesPlatform(platform, config))) continue
    checkLayers(
      config,
      parsed.layers.map((layer) => contents.layers.get(blobPath(layer.digest)) ?? missing(layer.digest)),
    )
    const before = images.get(parsed.config.digest)
    const references = [...(before?.references ?? []), ...names.flatMap(layoutReference)]
    images.set(parsed.config.digest, { configBytes, config, manifests: [manifest], references })
  }
  if (images.size === 0)
    throw new InvalidArgumentError('invalid archive: it holds no image for this platform')
  return [...images.values()]
}

interface Leaf {
  readonly manifest: StoredManifest
  /** What annotations call it. */
  readonly names: readonly string[]
  /** False for one platform of many. */
  readonly isAlone: boolean
}

function* leaves(
  contents: ArchiveContents,
  entries: readonly OciDescriptor[],
  context: { readonly names: readonly string[]; readonly depth: number } = { names: [], depth: 0 },
): Generator<Leaf> {
  if (context.depth > MAX_NESTING)
    throw new InvalidArgumentError('invalid archive: indexes are nested too deeply')
  for (const entry of entries) {
    const names = [...context.names, ...namesIn(entry)]
    const content = contents.documents.get(blobPath(entry.digest))
    if (content === undefined) continue
    if (isIndexType(entry.mediaType)) {
      yield* leaves(contents, parseIndex(content).manifests, { names, depth: context.depth + 1 })
    } else if (isManifestType(entry.mediaType) || entry.mediaType === '') {
      const manifest = { digest: entry.digest, mediaType: entry.mediaType || OCI_MANIFEST, content }
      yield { manifest, names, isAlone: context.depth === 0 }
    }
  }
}

function namesIn(entry: OciDescriptor): string[] {
  const annotations = entry.annotations ?? {}
  const full = annotations['io.containerd.image.name']
  const short = annotations['org.opencontainers.image.ref.name']
  return [full ?? short].filter((name) => typeof name === 'string')
}

/** A reference for an annotation that is one; a bare tag names nothing. */
function layoutReference(name: string): Reference[] {
  if (!/[:/]/.test(name)) return []
  try {
    const reference = parseReference(name)
    return reference.tag === null ? [] : [{ ...reference, digest: null }]
  } catch {
    return []
  }
}

function taggedReference(text: string): Reference {
  const reference = parseReference(text)
  if (reference.tag === null || reference.digest !== null)
    throw new InvalidArgumentError(`invalid tag ${JSON.stringify(text)}`)
  return reference
}

function checkLayers(config: OciImageConfig, layers: readonly Digest[]): void {
  const expected = config.rootfs.diff_ids
  if (expected.length !== layers.length) {
    throw new InvalidArgumentError(
      `invalid manifest, layers length mismatch: expected ${expected.length}, got ${layers.length}`,
    )
  }
  for (const [index, diffId] of layers.entries()) {
    if (diffId !== expected[index]) {
      throw new InvalidArgumentError(
        `invalid diffID for layer ${index}: expected ${JSON.stringify(expected[index])}, got ${JSON.stringify(diffId)}`,
      )
    }
  }
}

function missing(path: string): never {
  throw new InvalidArgumentError(`open ${path}: no such file or directory`)
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`
}

function parseDockerManifest(bytes: Buffer): DockerManifestItem[] {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new InvalidArgumentError('invalid archive: manifest.json is no JSON', { cause: error })
  }
  if (!Array.isArray(value)) throw new InvalidArgumentError('invalid archive: manifest.json is no list')
  return value.map((item: unknown) => {
    const { Config, RepoTags, Layers } = (item ?? {}) as Record<string, unknown>
    if (typeof Config !== 'string' || !isStrings(RepoTags) || !isStrings(Layers)) {
      throw new InvalidArgumentError('invalid archive: manifest.json does not describe an image')
    }
    return { Config, RepoTags, Layers }
  })
}

function isStrings(value: unknown): value is readonly string[] | null {
  return value == null || (Array.isArray(value) && value.every((entry) => typeof entry === 'string'))
}
