import { shortId } from '#base/ids.ts'
import { failpoint } from '#base/failpoint.ts'
import type { ImageLoadOptions } from '#spec/docker/options.ts'
import { familiarString } from '#spec/reference.ts'
import { readArchive } from './archive-contents.ts'
import { imagesOf, type ArchivedImage } from './archive-images.ts'
import type { ImageContent } from './image-content.ts'

const INTERVAL_MS = 100

/**
 * `docker load`: stores every image of an archive, or none. Layers are stored while the archive streams in; when it
 * turns out to be no archive of images they are garbage.
 * @throws InvalidArgumentError, DataLossError in Docker's words.
 */
export async function loadImages(
  content: ImageContent,
  tar: AsyncIterable<Uint8Array>,
  options: ImageLoadOptions,
): Promise<void> {
  using _held = content.holds.holdAll()
  const onLayer = options.quiet ? () => {} : layerProgress(options)
  const contents = await readArchive(content, tar, { signal: options.signal, onLayer })
  const images = imagesOf(contents, options.platforms)
  await failpoint('images.load.before-record')
  const said = content.store.atomically(() => images.flatMap((image) => record(content, image)))
  await content.database.durable()
  for (const line of said) options.progress({ stream: `${line}\n` })
}

function layerProgress(
  options: ImageLoadOptions,
): (layer: { path: string; currentBytes: number; totalBytes: number }) => void {
  let lastMs = 0
  return ({ path, currentBytes, totalBytes }) => {
    const nowMs = performance.now()
    if (nowMs - lastMs < INTERVAL_MS && currentBytes < totalBytes) return
    lastMs = nowMs
    const id = shortId(path.replace(/^blobs\/sha256\//, '').replace(/\/layer\.tar$/, ''))
    options.progress({
      status: 'Loading layer',
      progressDetail: { current: currentBytes, total: totalBytes },
      id,
    })
  }
}

/** What is said of the image: one line for each name, or its id. */
function record(content: ImageContent, image: ArchivedImage): string[] {
  const { store, layers } = content
  const { id } = store.put({
    configBytes: image.configBytes,
    parent: null,
    layerSizes: image.config.rootfs.diff_ids.map((diffId) => layers.get(diffId).sizeBytes),
    manifests: image.manifests,
  })
  const lines = image.references.flatMap((reference) => {
    const name = familiarString(reference)
    const { before } = store.name(reference, id, { taggedAt: new Date().toISOString() })
    const moved = before !== null && before !== id
    const renamed = `The image ${name} already exists, renaming the old one with ID ${before} to empty string`
    return [...(moved ? [renamed] : []), `Loaded image: ${name}`]
  })
  const loaded = store.get(id)
  if (loaded !== null) content.notify('load', { id, image: loaded, name: id })
  return lines.length === 0 ? [`Loaded image ID: ${id}`] : lines
}
