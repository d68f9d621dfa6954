import { digestOf, type Digest } from '#base/digest.ts'
import {
  DOCKER_LAYER_GZIP,
  DOCKER_LAYER_TAR,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_LAYER_TAR,
  OCI_MANIFEST,
  type OciDescriptor,
  type OciImageConfig,
  type OciIndex,
  type OciManifest,
  type OciPlatform,
} from '#spec/oci/image.ts'
import type { Layers } from '#images/layers/layers.ts'
import type { BuildContent } from '../needs.ts'
import type { BuildPlatform } from '../state.ts'
import type { ImageShape } from './outputs.ts'

/** A document of an image: a manifest, an index, a configuration, a statement. */
export interface ImageDocument {
  readonly descriptor: OciDescriptor
  readonly bytes: Buffer
}

/** An image that a build came to, for one platform. */
export interface BuiltImage {
  readonly platform: BuildPlatform
  readonly config: OciImageConfig
  readonly configBytes: Buffer
  /** What attestations say of it, each a document of its own. */
  readonly attestations: readonly Attestation[]
}

/** A statement in the in-toto format, made when the manifest that it is about is known. */
export interface Attestation {
  readonly predicateType: string
  /** The statement's predicate, as JSON. */
  readonly predicate: unknown
}

/** A layer as a manifest names it. */
export interface LayerBlob {
  readonly descriptor: OciDescriptor
  readonly diffId: Digest
}

/** Images with their manifests, and the index over them where there is one. */
export interface ImageSet {
  /** What a name stands for: the index, or the only manifest. */
  readonly root: ImageDocument
  readonly images: readonly {
    readonly config: ImageDocument
    readonly manifest: ImageDocument
    readonly layers: readonly LayerBlob[]
    /** The attestation's manifest first, then what it names. */
    readonly attestation: readonly ImageDocument[]
  }[]
}

/** Makes the manifests of images; compresses layers that nobody has compressed yet. */
export async function imageSet(
  built: readonly BuiltImage[],
  options: {
    readonly shape: ImageShape
    readonly content: BuildContent
    readonly layers: Layers
    readonly names: readonly string[]
    readonly signal: AbortSignal
  },
): Promise<ImageSet> {
  const images: ImageSet['images'][number][] = []
  const entries: OciDescriptor[] = []
  for (const image of built) {
    const made = await describe(image, options)
    const attestation = attestationDocuments(image, { subject: made.manifest, names: options.names })
    images.push({ ...made, attestation })
    entries.push({ ...made.manifest.descriptor, platform: ociPlatform(image.platform) })
  }
  for (const { attestation, manifest } of images) {
    const [first] = attestation
    if (first === undefined) continue
    const annotations = {
      'vnd.docker.reference.digest': manifest.descriptor.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    }
    const platform = { architecture: 'unknown', os: 'unknown' }
    entries.push({ ...first.descriptor, annotations, platform })
  }
  const only = images[0]?.manifest as ImageDocument
  if (entries.length === 1) return { root: only, images }
  const index: OciIndex = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }
  return { root: document(OCI_INDEX, index), images }
}

async function describe(
  image: BuiltImage,
  options: {
    readonly shape: ImageShape
    readonly content: BuildContent
    readonly layers: Layers
    readonly signal: AbortSignal
  },
): Promise<Omit<ImageSet['images'][number], 'attestation'>> {
  const { shape, content, signal } = options
  const config = documentOf(OCI_CONFIG, image.configBytes)
  const layers = await Promise.all(
    image.config.rootfs.diff_ids.map(async (diffId): Promise<LayerBlob> => {
      if (shape.compression === 'gzip')
        return { diffId, descriptor: ociTypes(await content.blob(diffId, signal)) }
      const size = options.layers.get(diffId).tarBytes
      return { diffId, descriptor: { mediaType: OCI_LAYER_TAR, digest: diffId, size } }
    }),
  )
  const manifest: OciManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(Object.keys(shape.annotations).length === 0 ? {} : { annotations: shape.annotations }),
  }
  return { config, layers, manifest: document(OCI_MANIFEST, manifest) }
}

/**
 * The manifest of an image's attestations, as BuildKit stores them: each statement is a layer of the type
 * `application/vnd.in-toto+json`, and the configuration only counts them.
 */
function attestationDocuments(
  image: BuiltImage,
  about: { readonly subject: ImageDocument; readonly names: readonly string[] },
): readonly ImageDocument[] {
  if (image.attestations.length === 0) return []
  const { digest } = about.subject.descriptor
  const subjects = about.names.length === 0 ? ['_'] : about.names
  const statements = image.attestations.map(({ predicateType, predicate }) => {
    const statement = {
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType,
      subject: subjects.map((name) => ({ name, digest: { sha256: digest.slice('sha256:'.length) } })),
      predicate,
    }
    const made = document('application/vnd.in-toto+json', statement)
    const annotations = { 'in-toto.io/predicate-type': predicateType }
    return { ...made, descriptor: { ...made.descriptor, annotations } }
  })
  const config = document(OCI_CONFIG, {
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: { type: 'layers', diff_ids: statements.map(({ descriptor }) => descriptor.digest) },
  })
  const manifest: OciManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: config.descriptor,
    layers: statements.map(({ descriptor }) => descriptor),
  }
  return [document(OCI_MANIFEST, manifest), config, ...statements]
}

function document(mediaType: string, value: object): ImageDocument {
  return documentOf(mediaType, Buffer.from(JSON.stringify(value)))
}

function documentOf(mediaType: string, bytes: Buffer): ImageDocument {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength } }
}

const OCI_TYPES: Readonly<Record<string, string>> = {
  [DOCKER_LAYER_GZIP]: OCI_LAYER_GZIP,
  [DOCKER_LAYER_TAR]: OCI_LAYER_TAR,
}

function ociTypes({ mediaType, digest, size }: OciDescriptor): OciDescriptor {
  return { mediaType: OCI_TYPES[mediaType] ?? mediaType, digest, size }
}

function ociPlatform({ os, architecture, variant }: BuildPlatform): OciPlatform {
  return { architecture, os, ...(variant === null ? {} : { variant }) }
}
