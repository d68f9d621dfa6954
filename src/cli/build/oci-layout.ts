import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { isIndexType, type OciDescriptor, type OciIndex, type OciManifest } from '#spec/oci/image.ts'
import { parseIndex, parseManifest } from '#spec/oci/parse.ts'
import { hostPlatform, matchesPlatform } from '#spec/oci/platform.ts'
import { ExitError } from '../core/exit.ts'

/** Which image of an OCI layout on disk. */
export interface LayoutImage {
  readonly path: string
  /** A tag or a digest; null for the only one. */
  readonly wanted: string | null
}

/** Finds the image, and says how to make a tar of an OCI layout with it alone, without names. @throws ExitError */
export function layoutTar(layout: LayoutImage): () => AsyncIterable<Uint8Array> {
  const found = chooseImage(layout)
  return () => tarOf(layout, found)
}

function tarOf(layout: LayoutImage, found: OciDescriptor): AsyncIterable<Uint8Array> {
  const manifest = parseManifest(readFileSync(blobPath(layout.path, found)))
  const archive = pack()
  write(archive, { layout, found, manifest }).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  )
  return archive as unknown as AsyncIterable<Uint8Array>
}

async function write(
  archive: Pack,
  image: { readonly layout: LayoutImage; readonly found: OciDescriptor; readonly manifest: OciManifest },
): Promise<void> {
  const { layout, found, manifest } = image
  archive.entry({ name: 'oci-layout' }, JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  const { annotations: _names, ...entry } = found
  const index: OciIndex = { schemaVersion: 2, manifests: [entry] }
  archive.entry({ name: 'index.json' }, JSON.stringify(index))
  const written = new Set<string>()
  for (const { digest } of [found, manifest.config, ...manifest.layers]) {
    if (written.has(digest)) continue
    written.add(digest)
    const path = blobPath(layout.path, { digest })
    const name = `blobs/${digest.replace(':', '/')}`
    await pipeline(createReadStream(path), archive.entry({ name, size: statSync(path).size }))
  }
}

function chooseImage({ path, wanted }: LayoutImage): OciDescriptor {
  const file = join(path, 'index.json')
  if (!existsSync(file)) throw new ExitError(1, `${path} is no OCI layout: it has no index.json`)
  const entries = parseIndex(readFileSync(file)).manifests
  const isWanted = (entry: OciDescriptor): boolean =>
    wanted === null ||
    entry.digest === wanted ||
    entry.annotations?.['org.opencontainers.image.ref.name'] === wanted
  const found = entries.filter(isWanted)
  const [first] = found
  if (first === undefined) throw new ExitError(1, `${path}: no image ${String(wanted)} in the OCI layout`)
  if (!isIndexType(first.mediaType)) return first
  const host = hostPlatform()
  const inner = parseIndex(readFileSync(blobPath(path, first))).manifests
  const own = inner.find(({ platform }) => platform !== undefined && matchesPlatform(host, platform))
  if (own === undefined) throw new ExitError(1, `${path}: no image for ${host.os}/${host.architecture}`)
  return own
}

function blobPath(path: string, { digest }: Pick<OciDescriptor, 'digest'>): string {
  return join(path, 'blobs', ...digest.split(':'))
}
