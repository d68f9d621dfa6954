import type { CachedValue, CacheRecord, StepCache } from '../solver/vertex.ts'

/** The cache as one build sees it: with records that were imported, and remembering which ones it used. */
export class TracedCache implements StepCache {
  readonly #own: StepCache
  readonly #readsOwn: boolean
  readonly #imported = new Map<string, CacheRecord>()
  readonly #used = new Map<string, CacheRecord>()
  readonly #keeping: Promise<void>[] = []

  /** `readsOwn`: whether what builds of this daemon left may be used too. */
  constructor(own: StepCache, options: { readonly readsOwn: boolean }) {
    this.#own = own
    this.#readsOwn = options.readsOwn
  }

  /** Adds records from elsewhere; their layers are stored. */
  add(records: readonly CacheRecord[]): void {
    for (const record of records) if (!this.#imported.has(record.key)) this.#imported.set(record.key, record)
  }

  find(key: string): CacheRecord | null {
    let record = this.#readsOwn ? this.#own.find(key) : null
    if (record === null) {
      record = this.#imported.get(key) ?? null
      if (record !== null) this.#keeping.push(this.#own.keep(key, record))
    }
    if (record !== null) this.#used.set(key, record)
    return record
  }

  async keep(key: string, value: CachedValue): Promise<void> {
    await this.#own.keep(key, value)
    this.#used.set(key, { ...value, key })
  }

  /** An imported record that is no step's. */
  imported(key: string): CacheRecord | null {
    return this.#imported.get(key) ?? null
  }

  /** What the build used or made, in its order. */
  used(): readonly CacheRecord[] {
    return [...this.#used.values()]
  }

  /** Resolves when what was imported and used is kept here too. */
  async settled(): Promise<void> {
    await Promise.all(this.#keeping)
  }
}
