import type { Digest } from '#base/digest.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { BuildCache as BuildCacheUsage } from '#spec/docker/build.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { BuildPruneOptions } from '#spec/docker/options.ts'
import { parseDurationNs } from '../duration.ts'
import type { BuildCache, BuildCacheEntry } from './build-cache.ts'

/** The cache as `GET /system/df` lists it. */
export function describeCache(cache: BuildCache, imageLayers: ReadonlySet<Digest>): BuildCacheUsage[] {
  return cache.entries().map((entry) => ({
    ID: entry.key.slice(0, 25),
    Parents: null,
    Type: entry.type as NonNullable<BuildCacheUsage['Type']>,
    Description: entry.description,
    InUse: false,
    Shared: isShared(entry, imageLayers),
    Size: entry.sizeBytes,
    CreatedAt: entry.created,
    LastUsedAt: new Date(entry.lastUsedMs).toISOString(),
    UsageCount: entry.usageCount,
  }))
}

/**
 * Forgets records: those that no image shares, or with `all` every one; least recently used first, down to the
 * space that may stay. The layers' bytes go with the garbage collection that the caller starts.
 * @throws InvalidArgumentError for a filter that is not known.
 */
export async function pruneCache(
  cache: BuildCache,
  options: BuildPruneOptions,
  imageLayers: ReadonlySet<Digest>,
): Promise<{ readonly keys: readonly string[]; readonly reclaimedBytes: number }> {
  const matches = matcherOf(options.filters)
  const entries = cache.entries()
  const candidates = entries.filter(
    (entry) => (options.all || !isShared(entry, imageLayers)) && matches(entry),
  )
  let keptBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  const limit = Math.max(options.reservedSpaceBytes, options.maxUsedSpaceBytes)
  const removed: BuildCacheEntry[] = []
  for (const entry of candidates) {
    if (limit > 0 && keptBytes <= limit) break
    removed.push(entry)
    keptBytes -= entry.sizeBytes
  }
  const keys = removed.map((entry) => entry.key)
  await cache.remove(keys)
  const freed = removed.filter((entry) => !isShared(entry, imageLayers))
  return { keys, reclaimedBytes: freed.reduce((sum, entry) => sum + entry.sizeBytes, 0) }
}

function isShared(entry: BuildCacheEntry, imageLayers: ReadonlySet<Digest>): boolean {
  return entry.layer !== null && imageLayers.has(entry.layer as Digest)
}

function matcherOf(filters: Filters): (entry: BuildCacheEntry) => boolean {
  const tests: ((entry: BuildCacheEntry) => boolean)[] = []
  for (const [name, values] of filters) {
    if (name === 'until' || name === 'unused-for') {
      const before = Date.now() - Math.max(...values.map(parseDurationNs)) / 1e6
      tests.push((entry) => entry.lastUsedMs < before)
    } else if (name === 'id') tests.push((entry) => values.some((value) => entry.key.startsWith(value)))
    else if (name === 'type') tests.push((entry) => values.includes(entry.type))
    else if (name === 'description')
      tests.push((entry) => values.some((value) => entry.description.includes(value)))
    else if (name === 'inuse' || name === 'private')
      tests.push(() => values.includes('false') || name === 'private')
    else if (name === 'shared') continue
    else throw new InvalidArgumentError(`Invalid filter: ${name}`)
  }
  return (entry) => tests.every((test) => test(entry))
}
