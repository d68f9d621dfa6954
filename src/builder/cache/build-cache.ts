import type { Digest } from '#base/digest.ts'
import type { Database } from '#store/database.ts'
import type { CachedValue, CacheRecord, StepCache } from '../solver/vertex.ts'

/** The tables of the build cache. */
export const CACHE_TABLES = `
  CREATE TABLE build_cache (
    key TEXT PRIMARY KEY,
    layer TEXT,
    size_bytes INTEGER NOT NULL,
    created TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    last_used_ms INTEGER NOT NULL,
    usage_count INTEGER NOT NULL
  ) STRICT`

/** A record of the cache as `docker builder du` shows it. */
export interface BuildCacheEntry extends CacheRecord {
  readonly lastUsedMs: number
  readonly usageCount: number
}

interface Row {
  key: string
  layer: string | null
  size_bytes: number
  created: string
  description: string
  type: string
  last_used_ms: number
  usage_count: number
}

/** The results of build steps, kept in the database; their layers are kept from garbage collection by `layers()`. */
export class BuildCache implements StepCache {
  readonly #database: Database
  readonly #find
  readonly #touch
  readonly #keep
  readonly #note
  readonly #all
  readonly #totals
  readonly #remove

  constructor(database: Database) {
    this.#database = database
    this.#find = database.prepare('SELECT * FROM build_cache WHERE key = ?')
    this.#touch = database.prepare(
      'UPDATE build_cache SET last_used_ms = ?, usage_count = usage_count + 1 WHERE key = ?',
    )
    this.#keep = database.prepare('INSERT OR REPLACE INTO build_cache VALUES (?, ?, ?, ?, ?, ?, ?, 1)')
    this.#note = database.prepare('INSERT OR REPLACE INTO build_cache VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#totals = database.prepare(
      'SELECT sum(size_bytes) AS bytes, min(last_used_ms) AS oldest FROM build_cache',
    )
    this.#all = database.prepare('SELECT * FROM build_cache ORDER BY last_used_ms')
    this.#remove = database.prepare('DELETE FROM build_cache WHERE key = ?')
  }

  find(key: string): CacheRecord | null {
    const row = this.#find.get(key) as Row | undefined
    if (row === undefined) return null
    this.#touch.run(Date.now(), key)
    return entryOf(row)
  }

  /** As `find`, without counting it as a use. */
  peek(key: string): CacheRecord | null {
    const row = this.#find.get(key) as Row | undefined
    return row === undefined ? null : entryOf(row)
  }

  async keep(key: string, value: CachedValue): Promise<void> {
    const { layer, sizeBytes, created, description, type } = value
    this.#keep.run(key, layer, sizeBytes, created, description, type, Date.now())
    await this.#database.durable()
  }

  /** Notes a thing that is cached without being a step's result, and that it is used now. */
  note(key: string, value: CachedValue): void {
    const row = this.#find.get(key) as Row | undefined
    const { layer, sizeBytes, created, description, type } = value
    const count = (row?.usage_count ?? 0) + 1
    const since = row?.created ?? created
    this.#note.run(key, layer, sizeBytes, since, description, type, Date.now(), count)
  }

  /** The bytes of all records, and when the longest unused one was used; null where there is none. */
  totals(): { readonly sizeBytes: number; readonly oldestUseMs: number | null } {
    const row = this.#totals.get() as { bytes: number | null; oldest: number | null }
    return { sizeBytes: row.bytes ?? 0, oldestUseMs: row.oldest }
  }

  /** All records, least recently used first. */
  entries(): readonly BuildCacheEntry[] {
    return (this.#all.all() as unknown as Row[]).map(entryOf)
  }

  /** Forgets records; durable when it resolves. Their layers go with the next garbage collection. */
  async remove(keys: readonly string[]): Promise<void> {
    this.#database.transaction(() => {
      for (const key of keys) this.#remove.run(key)
    })
    await this.#database.durable()
  }

  /** The layers that records name: roots of garbage collection. */
  layers(): ReadonlySet<Digest> {
    return new Set(this.entries().flatMap((entry) => (entry.layer === null ? [] : [entry.layer as Digest])))
  }
}

function entryOf(row: Row): BuildCacheEntry {
  return {
    key: row.key,
    layer: row.layer,
    sizeBytes: row.size_bytes,
    created: row.created,
    description: row.description,
    type: row.type,
    lastUsedMs: row.last_used_ms,
    usageCount: row.usage_count,
  }
}
