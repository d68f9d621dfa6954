import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import type { Digest } from '#base/digest.ts'
import type { Layers } from '#images/layers/layers.ts'
import type { OciDescriptor } from '#spec/oci/image.ts'
import { canonicalString, familiarString, type Reference } from '#spec/reference.ts'
import type { BuildContent } from '../needs.ts'
import type { ImageDocument, ImageSet, LayerBlob } from './image-set.ts'

const EPOCH = new Date(0)

/** How an archive is written. */
export interface ArchiveOptions {
  /** Whether `docker load` of old versions must understand it: `manifest.json` beside the OCI layout. */
  readonly form: 'oci' | 'docker'
  readonly names: readonly Reference[]
  readonly content: BuildContent
  readonly layers: Layers
  readonly signal: AbortSignal
}

/** An OCI layout with the images, as a tar. The same images make the same bytes. */
export function imageArchive(set: ImageSet, options: ArchiveOptions): Readable {
  const archive = pack()
  write(archive, set, options).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  )
  return Readable.from(archive, { objectMode: false })
}

async function write(archive: Pack, set: ImageSet, options: ArchiveOptions): Promise<void> {
  const written = new Set<Digest>()
  for (const name of ['blobs/', 'blobs/sha256/'])
    archive.entry({ name, type: 'directory', mode: 0o755, mtime: EPOCH })
  for (const { layers, config, manifest, attestation } of set.images) {
    for (const layer of layers) await addLayer(archive, layer, { written, options })
    for (const document of [config, manifest, ...attestation]) addDocument(archive, document, written)
  }
  addDocument(archive, set.root, written)
  const add = (name: string, value: unknown): void =>
    void archive.entry({ name, mode: 0o644, mtime: EPOCH }, JSON.stringify(value))
  add('index.json', { schemaVersion: 2, manifests: namedEntries(set.root.descriptor, options.names) })
  if (options.form === 'docker') {
    add(
      'manifest.json',
      set.images.map(({ config, layers }) => ({
        Config: blobPath(config.descriptor.digest),
        RepoTags: options.names.length === 0 ? null : options.names.map(familiarString),
        Layers: layers.map(({ descriptor }) => blobPath(descriptor.digest)),
      })),
    )
  }
  add('oci-layout', { imageLayoutVersion: '1.0.0' })
}

async function addLayer(
  archive: Pack,
  layer: LayerBlob,
  at: { readonly written: Set<Digest>; readonly options: ArchiveOptions },
): Promise<void> {
  const { descriptor, diffId } = layer
  const { content, layers, signal } = at.options
  if (at.written.has(descriptor.digest)) return
  at.written.add(descriptor.digest)
  const source = descriptor.digest === diffId ? layers.tar(diffId) : content.read(descriptor.digest)
  const name = blobPath(descriptor.digest)
  const entry = archive.entry({ name, size: descriptor.size, mode: 0o644, mtime: EPOCH })
  await pipeline(source, entry, { signal })
}

function addDocument(archive: Pack, { descriptor, bytes }: ImageDocument, written: Set<Digest>): void {
  if (written.has(descriptor.digest)) return
  written.add(descriptor.digest)
  archive.entry({ name: blobPath(descriptor.digest), mode: 0o644, mtime: EPOCH }, bytes)
}

function namedEntries(root: OciDescriptor, names: readonly Reference[]): readonly OciDescriptor[] {
  if (names.length === 0) return [root]
  return names.map((name) => ({
    ...root,
    annotations: {
      'io.containerd.image.name': canonicalString(name),
      'org.opencontainers.image.ref.name': name.tag ?? '',
    },
  }))
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`
}
