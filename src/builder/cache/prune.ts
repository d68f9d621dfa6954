import type { Digest } from '#base/digest.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { BuildCache as BuildCacheUsage } from '#spec/docker/build.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { parseDurationNs } from '../duration.ts'
import type { CachePolicy } from './gc-policy.ts'
import type { BuildCache, BuildCacheEntry } from './build-cache.ts'

/** What of the cache's surroundings decides what may go. */
export interface CacheSurroundings {
  /** The layers that images name: a record of one costs nothing. */
  readonly imageLayers: () => ReadonlySet<Digest>
  /** Whether a command uses the directory of a cache mount now. */
  readonly isInUse: (key: string) => boolean
  /** Bytes of the disk that are free. */
  readonly freeBytes: () => number
}

/** The cache as `GET /system/df` lists it. */
export function describeCache(cache: BuildCache, around: CacheSurroundings): BuildCacheUsage[] {
  const imageLayers = around.imageLayers()
  return cache.entries().map((entry) => ({
    ID: entry.key.slice(0, 25),
    Parents: null,
    Type: entry.type as NonNullable<BuildCacheUsage['Type']>,
    Description: entry.description,
    InUse: around.isInUse(entry.key),
    Shared: isShared(entry, imageLayers),
    Size: entry.sizeBytes,
    CreatedAt: entry.created,
    LastUsedAt: new Date(entry.lastUsedMs).toISOString(),
    UsageCount: entry.usageCount,
  }))
}

/** Records that were chosen to go, and the bytes that go with them. */
export interface Doomed {
  readonly entries: readonly BuildCacheEntry[]
  readonly reclaimedBytes: number
}

/**
 * Chooses records: those that no image shares, or with `all` every one; least recently used first, down to the space
 * that may stay. What is in use stays.
 * @throws InvalidArgumentError for a filter that is not known.
 */
export function chooseDoomed(cache: BuildCache, policy: CachePolicy, around: CacheSurroundings): Doomed {
  const entries = cache.entries()
  const imageLayers = around.imageLayers()
  const matches = matcherOf(policy.filters, { ...around, imageLayers: () => imageLayers })
  const candidates = entries.filter(
    (entry) => (policy.all || !isShared(entry, imageLayers)) && !around.isInUse(entry.key) && matches(entry),
  )
  let keptBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  const limit = bytesToKeep(policy, keptBytes, around)
  const doomed: BuildCacheEntry[] = []
  for (const entry of candidates) {
    if (limit !== null && keptBytes <= limit) break
    doomed.push(entry)
    keptBytes -= entry.sizeBytes
  }
  const freed = doomed.filter((entry) => !isShared(entry, imageLayers))
  return { entries: doomed, reclaimedBytes: freed.reduce((sum, entry) => sum + entry.sizeBytes, 0) }
}

/** Tells, without reading the records, whether a policy leaves all of them alone. */
export function leavesAll(cache: BuildCache, policy: CachePolicy, around: CacheSurroundings): boolean {
  const { sizeBytes, oldestUseMs } = cache.totals()
  if (oldestUseMs === null) return true
  const limit = bytesToKeep(policy, sizeBytes, around)
  if (limit !== null) return sizeBytes <= limit
  const ages = policy.filters.get('unused-for')?.map(parseDurationNs) ?? []
  return ages.length > 0 && oldestUseMs >= Date.now() - Math.max(...ages) / 1e6
}

/** How much may stay; null for nothing that matches. */
function bytesToKeep(policy: CachePolicy, usedBytes: number, around: CacheSurroundings): number | null {
  const { reservedSpaceBytes, maxUsedSpaceBytes, minFreeSpaceBytes } = policy
  if (reservedSpaceBytes + maxUsedSpaceBytes + minFreeSpaceBytes === 0) return null
  let keep = maxUsedSpaceBytes > 0 ? maxUsedSpaceBytes : minFreeSpaceBytes > 0 ? usedBytes : 0
  if (minFreeSpaceBytes > 0) {
    const missing = minFreeSpaceBytes - around.freeBytes()
    if (missing > 0) keep = Math.min(keep, usedBytes - missing)
  }
  return Math.max(keep, reservedSpaceBytes)
}

function isShared(entry: BuildCacheEntry, imageLayers: ReadonlySet<Digest>): boolean {
  return entry.layer !== null && imageLayers.has(entry.layer as Digest)
}

function matcherOf(filters: Filters, around: CacheSurroundings): (entry: BuildCacheEntry) => boolean {
  const tests: ((entry: BuildCacheEntry) => boolean)[] = []
  for (const [name, values] of filters) {
    if (name === 'until' || name === 'unused-for') {
      const before = Date.now() - Math.max(...values.map(parseDurationNs)) / 1e6
      tests.push((entry) => entry.lastUsedMs < before)
    } else if (name === 'id') tests.push((entry) => values.some((value) => entry.key.startsWith(value)))
    else if (name === 'type') tests.push((entry) => values.includes(entry.type))
    else if (name === 'description')
      tests.push((entry) => values.some((value) => entry.description.includes(value)))
    else if (name === 'inuse') tests.push((entry) => isWanted(values, around.isInUse(entry.key)))
    else if (name === 'shared') tests.push((entry) => isWanted(values, isShared(entry, around.imageLayers())))
    else if (name === 'private')
      tests.push((entry) => isWanted(values, !isShared(entry, around.imageLayers())))
    else throw new InvalidArgumentError(`Invalid filter: ${name}`)
  }
  return (entry) => tests.every((test) => test(entry))
}

/** A switch among filters: without a value it is on. */
function isWanted(values: readonly string[], holds: boolean): boolean {
  return values.includes('false') || values.includes('0') ? !holds : holds
}
