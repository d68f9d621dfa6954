import type { Digest } from '#base/digest.ts'
import { messageOf } from '#errors/errors.ts'
import type { ImageRecord } from '#images/image-service.ts'
import type { BuilderParts } from '../builder-parts.ts'
import type { ClientSession } from '../session/client-session.ts'
import type { BuildLease } from '../needs.ts'
import { recordsOf } from './cache-image.ts'
import type { CacheSource } from './cache-places.ts'
import { CacheDonor } from './donor.ts'
import type { TracedCache } from './traced-cache.ts'

/** What importing needs. */
export interface ImportOptions {
  readonly parts: BuilderParts
  readonly cache: TracedCache
  readonly session: ClientSession | null
  readonly lease: BuildLease
  readonly held: AsyncDisposableStack
  readonly pull: (name: string) => Promise<ImageRecord>
  readonly progress: (message: object) => void
  readonly signal: AbortSignal
}

/**
 * Brings the caches that a build shall use: their records into the build's cache, and images as donors. One that
 * cannot be had is told of and does not fail the build.
 */
export async function importCaches(
  sources: readonly CacheSource[],
  options: ImportOptions,
): Promise<readonly CacheDonor[]> {
  const donors: CacheDonor[] = []
  for (const source of sources) {
    try {
      const image = await bring(source, options)
      if (image === null) continue
      await options.lease.hold(image.layers)
      options.cache.add(recordsOf(options.parts.images.configBytes(image.id)))
      donors.push(new CacheDonor(image.config))
    } catch (error) {
      options.signal.throwIfAborted()
      options.progress({ stream: `[Warning] cache from ${source.name}: ${messageOf(error)}\n` })
    }
  }
  return donors
}

async function bring(source: CacheSource, options: ImportOptions): Promise<ImageRecord | null> {
  const { images, discardImage, loadImage } = options.parts
  const discardLater = (id: Digest): void => options.held.defer(() => discardImage(id))
  if (source.kind === 'client') {
    if (options.session === null) throw new Error('the client has no session')
    const tar = await options.session.ask('cache-in', source.name, options.signal)
    const id = await loadImage(tar, options.signal)
    discardLater(id)
    return images.get(id)
  }
  const here = images.find(source.name)
  if (!source.pull) return here
  try {
    const image = await options.pull(source.name)
    // What was not here before shall not stay under its name.
    if (here === null) options.held.defer(() => options.parts.forgetImage(source.name))
    return image
  } catch (error) {
    if (here !== null) return here
    throw error
  }
}
