/**
 * The words of the solver, which knows neither Dockerfiles nor images.
 *
 * A *vertex* is one piece of work with *inputs*, which are vertices too. Its *cache key* is a digest of everything
 * that decides its result: its own definition, and what the inputs came to. Equal keys mean equal results, so two
 * vertices with one key run once, in one build and in builds that run side by side.
 */
export interface Vertex<Result> {
  /** For output and errors: `RUN make`. */
  readonly name: string
  readonly inputs: readonly Vertex<Result>[]

  /** The digest of all that decides the result, or null for work that must always run. */
  cacheKey(inputs: readonly Result[], signal: AbortSignal): Promise<string | null>

  /**
   * What `cacheKey` has just come to, in parts: names and a digest of each. Whoever keeps them can tell later why a key
   * is another one. Absent where nobody asks.
   */
  keyParts?(): KeyParts

  /** Rebuilds the result from what the cache kept; null where that is no longer possible. */
  recall(record: CacheRecord, inputs: readonly Result[]): Promise<Result | null>

  /** Takes the result from elsewhere where the cache has none: an earlier result that is no record. Null for none. */
  borrow?(inputs: readonly Result[], signal: AbortSignal): Promise<Executed<Result> | null>

  /** Does the work. What it made belongs to the result; after an error nothing is left. */
  execute(inputs: readonly Result[], signal: AbortSignal): Promise<Executed<Result>>
}

/** The parts of a cache key: a short digest for each name, in the vertex's own words. */
export type KeyParts = ReadonlyMap<string, string>

/**
 * What the cache had to say about a vertex: `hit`; `borrowed` from an earlier result that is no record; `shared` with
 * equal work under way; `miss`; `gone`, a record whose result is no longer there; `unasked`, because it must not be
 * asked; `none`, because the vertex has no key.
 */
export type Lookup = 'hit' | 'borrowed' | 'shared' | 'miss' | 'gone' | 'unasked' | 'none'

/** What work came to, and what of it the cache shall keep. */
export interface Executed<Result> {
  readonly result: Result
  /** Null: do not keep. */
  readonly record: CachedValue | null
}

/** What the cache keeps of a step: enough to give its result again. */
export interface CachedValue {
  /** The layer it made, or null for a step that only changed the configuration. */
  readonly layer: string | null
  readonly sizeBytes: number
  /** RFC 3339; a cached step keeps the time of its first run, so that the image stays the same. */
  readonly created: string
  readonly description: string
  /** What made it, in Docker's words for `builder du`: `regular`, `source.local`, `exec.cachemount` … */
  readonly type: string
}

/** A value in the cache, under its key. */
export interface CacheRecord extends CachedValue {
  readonly key: string
}

/** Where results are kept between builds. */
export interface StepCache {
  find(key: string): CacheRecord | null
  /** Durable once it resolves. */
  keep(key: string, value: CachedValue): Promise<void>
}

/** Told as the solver goes; order holds for one vertex, not between vertices. */
export interface SolveObserver<Result> {
  started(vertex: Vertex<Result>): void
  /** Between `started` and the work, if there is any to do. */
  looked?(vertex: Vertex<Result>, lookup: Lookup): void
  finished(vertex: Vertex<Result>, outcome: { readonly cached: boolean; readonly result: Result }): void
  failed(vertex: Vertex<Result>, error: unknown): void
}
