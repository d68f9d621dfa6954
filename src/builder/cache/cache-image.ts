import { isDigest, type Digest } from '#base/digest.ts'
import type { OciImageConfig } from '#spec/oci/image.ts'
import { MAX_LAYERS } from '#spec/oci/parse.ts'
import type { CacheRecord } from '../solver/vertex.ts'
import type { BuildPlatform } from '../state.ts'

/** The field of an image's configuration that holds records of a build cache. */
const FIELD = 'wharf.buildcache.v1'

/** The most records that are read from one configuration. */
const MAX_RECORDS = 10_000

/** A configuration with records of a cache in it, for `--cache-to=type=inline`. */
export function withRecords(config: OciImageConfig, records: readonly CacheRecord[]): OciImageConfig {
  const own = new Set<string>(config.rootfs.diff_ids)
  const useful = records
    .filter(({ layer }) => layer === null || own.has(layer))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return { ...config, [FIELD]: useful } as OciImageConfig
}

/** An image that is nothing but a cache: its layers are those of the records, the newest ones if there are too many. */
export function cacheImage(records: readonly CacheRecord[], platform: BuildPlatform): OciImageConfig {
  const layers = new Set<Digest>()
  const kept = records.toReversed().filter(({ layer }) => {
    if (layer === null || layers.has(layer as Digest)) return true
    if (layers.size >= MAX_LAYERS) return false
    layers.add(layer as Digest)
    return true
  })
  return {
    os: platform.os,
    architecture: platform.architecture,
    rootfs: { type: 'layers', diff_ids: [...layers] },
    [FIELD]: kept.toReversed(),
  } as OciImageConfig
}

/** The records in a configuration, those that make sense; it may come from anywhere. */
export function recordsOf(configBytes: Uint8Array): readonly CacheRecord[] {
  const config = JSON.parse(Buffer.from(configBytes).toString('utf8')) as Record<string, unknown> &
    OciImageConfig
  const field = config[FIELD]
  if (!Array.isArray(field)) return []
  const own = new Set<string>(config.rootfs.diff_ids)
  return (field.slice(0, MAX_RECORDS) as unknown[]).flatMap((value) => {
    const record = readRecord(value)
    return record !== null && (record.layer === null || own.has(record.layer)) ? [record] : []
  })
}

function readRecord(value: unknown): CacheRecord | null {
  if (typeof value !== 'object' || value === null) return null
  const { key, layer, sizeBytes, created, description, type } = value as Record<string, unknown>
  if (typeof key !== 'string' || !/^[\w:./-]{1,300}$/.test(key)) return null
  if (layer !== null && (typeof layer !== 'string' || !isDigest(layer))) return null
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return null
  if (typeof created !== 'string' || Number.isNaN(Date.parse(created))) return null
  if (typeof description !== 'string' || typeof type !== 'string') return null
  return { key, layer, sizeBytes, created, description, type }
}
