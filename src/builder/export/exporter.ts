import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Archives } from '#images/archive.ts'
import type { Images, NewImage } from '#images/image-service.ts'
import type { Layers } from '#images/layers/layers.ts'
import { familiarString, type Reference } from '#spec/reference.ts'
import type { BuildContent, BuildRoots } from '../needs.ts'
import type { ClientSession } from '../session/client-session.ts'
import { type BuildPlatform, platformText } from '../state.ts'
import { imageArchive } from './archive.ts'
import { type BuiltImage, type ImageDocument, imageSet, type ImageSet } from './image-set.ts'
import type { BuildOutput } from './outputs.ts'

/** What outputs are made with. */
export interface ExporterParts {
  readonly images: Pick<Images, 'create'>
  readonly layers: Layers
  readonly archives: Archives
  readonly roots: BuildRoots
  readonly content: BuildContent
  readonly session: ClientSession | null
  readonly push: (name: Reference, signal: AbortSignal) => Promise<Digest | null>
  readonly signal: AbortSignal
}

/** What of outputs is told, under BuildKit's names (`--metadata-file`). */
export type ExportMetadata = Record<string, unknown>

/** What outputs came to. */
export interface Exported {
  /** The image's id, where one was stored. */
  readonly imageId: Digest | null
  readonly names: readonly Reference[]
  readonly metadata: ExportMetadata
}

/** Gives the images of a build to where its outputs say. The first image is the one that names stand for. */
export async function exportImages(
  built: readonly BuiltImage[],
  outputs: readonly BuildOutput[],
  parts: ExporterParts,
): Promise<Exported> {
  let imageId: Digest | null = null
  const names: Reference[] = []
  const metadata: ExportMetadata = {}
  for (const output of outputs) {
    if (output.kind === 'image') {
      imageId = await storeImages(built, output, { parts, metadata })
      names.push(...output.names)
    } else if (output.kind === 'archive') await sendArchive(built, output, { parts, metadata })
    else if (output.kind === 'files') await sendFiles(built, output, parts)
  }
  return { imageId, names, metadata }
}

type Telling = { readonly parts: ExporterParts; readonly metadata: ExportMetadata }

async function storeImages(
  built: readonly BuiltImage[],
  output: BuildOutput & { readonly kind: 'image' },
  { parts, metadata }: Telling,
): Promise<Digest> {
  const { images, content } = parts
  using _held = content.hold()
  const isPlain =
    built.length === 1 &&
    built[0]?.attestations.length === 0 &&
    Object.keys(output.shape.annotations).length === 0
  const set = isPlain ? null : await setOf(built, output, parts)
  await failpoint('builder.image.before-create')
  let first: Digest | null = null
  // Those without a name come first: an image that is named is complete.
  for (const [index, image] of [...built.entries()].toReversed()) {
    const manifests = set === null ? [] : documentsOf(set, index)
    const references = index === 0 ? output.names : []
    const { config, configBytes } = image
    const request: NewImage = { config, configBytes, parent: null, references, manifests }
    first = (await images.create(request)).id
  }
  const id = first as Digest
  metadata['containerimage.config.digest'] = id
  metadata['containerimage.digest'] = set?.root.descriptor.digest ?? id
  if (set !== null) metadata['containerimage.descriptor'] = set.root.descriptor
  if (output.names.length > 0) metadata['image.name'] = output.names.map(familiarString).join(',')
  if (output.push) {
    for (const name of output.names) {
      const digest = await parts.push(name, parts.signal)
      if (digest !== null) metadata['containerimage.digest'] = digest
    }
  }
  return id
}

/** The image's own manifest comes first and the index last: by this the store knows them apart. */
function documentsOf(set: ImageSet, index: number): NonNullable<NewImage['manifests']> {
  const image = set.images[index] as ImageSet['images'][number]
  const documents: ImageDocument[] = [image.manifest, ...image.attestation]
  if (set.root !== image.manifest) documents.push(set.root)
  return documents.map(({ descriptor, bytes }) => ({
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    content: bytes,
  }))
}

function setOf(
  built: readonly BuiltImage[],
  output: BuildOutput & { readonly kind: 'image' | 'archive' },
  parts: ExporterParts,
): Promise<ImageSet> {
  const { content, layers, signal } = parts
  const names = output.names.map(familiarString)
  return imageSet(built, { shape: output.shape, content, layers, names, signal })
}

async function sendArchive(
  built: readonly BuiltImage[],
  output: BuildOutput & { readonly kind: 'archive' },
  { parts, metadata }: Telling,
): Promise<void> {
  const { content, layers, signal } = parts
  if (output.form === 'docker' && built.length > 1)
    throw new InvalidArgumentError(
      'docker exporter does not currently support exporting manifest lists: use type=oci',
    )
  using _held = content.hold()
  const plain = output.form === 'docker' ? built.map((image) => ({ ...image, attestations: [] })) : built
  const set = await setOf(plain, output, parts)
  metadata['containerimage.config.digest'] = set.images[0]?.config.descriptor.digest
  metadata['containerimage.digest'] = set.root.descriptor.digest
  metadata['containerimage.descriptor'] = set.root.descriptor
  const { form, names } = output
  await send(imageArchive(set, { form, names, content, layers, signal }), output.sink, parts)
}

async function sendFiles(
  built: readonly BuiltImage[],
  output: BuildOutput & { readonly kind: 'files' },
  parts: ExporterParts,
): Promise<void> {
  const isSplit = output.platformSplit ?? built.length > 1
  if (output.form === 'tar' && built.length > 1)
    throw new InvalidArgumentError(
      'output type=tar holds the files of one platform: use type=local or build one platform',
    )
  for (const image of built) {
    await using mounted = await parts.roots.mount(image.config.rootfs.diff_ids)
    const files = parts.archives.export(mounted.root, { signal: parts.signal })
    const sink =
      isSplit && output.form === 'local' ? `${output.sink}/${folderOf(image.platform)}` : output.sink
    await send(files, sink, parts)
  }
}

/** `linux_arm64_v8`, as BuildKit names them. */
function folderOf(platform: BuildPlatform): string {
  return platformText(platform).replaceAll('/', '_')
}

async function send(bytes: Readable, sink: string, { session, signal }: ExporterParts): Promise<void> {
  if (session === null)
    throw new InvalidArgumentError('outputs other than images need a client with a session: use wharf build')
  await session.give({ kind: 'output', name: sink }, bytes, signal)
}
