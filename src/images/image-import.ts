import type { ImageImportOptions } from '#spec/docker/options.ts'
import type { OciImageConfig } from '#spec/oci/image.ts'
import { hostPlatform, normalisePlatform } from '#spec/oci/platform.ts'
import { failpoint } from '#base/failpoint.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parseReference, withDefaultTag, type Reference } from '#spec/reference.ts'
import type { ImageContent } from './image-content.ts'
import type { ConfigChanger } from './image-service.ts'

/**
 * `docker import`: an image of one layer out of the tar of a root file system, maybe compressed. Says its id at the end.
 * @throws InvalidArgumentError when the tar is none, or a change or the name is refused.
 */
export async function importImage(
  content: ImageContent,
  tar: AsyncIterable<Uint8Array>,
  options: ImageImportOptions & { readonly changer: ConfigChanger },
): Promise<void> {
  const reference = options.reference === '' ? null : importReference(options.reference)
  // A change that is wrong is told before the tar is read.
  const config = options.changer({}, options.changes)
  using _held = content.holds.holdAll()
  const { diffId, sizeBytes } = await content.layers.ingest({ stream: tar }, { signal: options.signal })
  const created = new Date().toISOString()
  const comment = options.message === '' ? 'Imported from -' : options.message
  const image: OciImageConfig = {
    ...platformOf(options),
    created,
    comment,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, comment }],
  }
  await failpoint('images.import.before-record')
  const id = content.store.atomically(() => {
    const stored = content.store.put({
      configBytes: Buffer.from(JSON.stringify(image)),
      parent: null,
      layerSizes: [sizeBytes],
      manifests: [],
    })
    if (reference !== null) content.store.name(reference, stored.id, { taggedAt: created })
    return stored.id
  })
  await content.database.durable()
  const record = content.store.get(id)
  if (record !== null) content.notify('import', { id, image: record, name: id })
  options.progress({ status: id })
}

function importReference(text: string): Reference {
  const reference = withDefaultTag(parseReference(text))
  if (reference.digest !== null) throw new InvalidArgumentError('cannot import digest reference')
  return reference
}

function platformOf(options: ImageImportOptions): Pick<OciImageConfig, 'os' | 'architecture' | 'variant'> {
  const host = hostPlatform()
  if (options.platform === null) return host
  const wish = normalisePlatform(options.platform)
  if (wish.os !== 'linux') throw new InvalidArgumentError(`operating system is not supported: ${wish.os}`)
  const architecture = wish.architecture ?? host.architecture
  return { os: wish.os, architecture, ...(wish.variant === undefined ? {} : { variant: wish.variant }) }
}
