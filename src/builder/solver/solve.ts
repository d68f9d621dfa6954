import type { Executed, Lookup, SolveObserver, StepCache, Vertex } from './vertex.ts'

/** What a solve needs beside its target. */
export interface SolveOptions<Result> {
  readonly cache: StepCache
  readonly observer: SolveObserver<Result>
  readonly signal: AbortSignal
  /** Tells whether a vertex may be answered from the cache (`--no-cache`, `--no-cache-filter`). */
  readonly mayUseCache: (vertex: Vertex<Result>) => boolean
}

/** Runs graphs of vertices. One solver serves all builds: equal work that is under way is shared, not repeated. */
export class Solver<Result> {
  readonly #underWay = new Map<string, Promise<Executed<Result>>>()

  /**
   * Comes to the result of a vertex: each vertex once, independent ones at the same time. The first failure
   * aborts the rest and is thrown when all work has stopped.
   */
  async solve(target: Vertex<Result>, options: SolveOptions<Result>): Promise<Result> {
    const abort = new AbortController()
    const signal = AbortSignal.any([options.signal, abort.signal])
    const results = new Map<Vertex<Result>, Promise<Result>>()
    const visit = (vertex: Vertex<Result>): Promise<Result> => {
      const known = results.get(vertex)
      if (known !== undefined) return known
      const result = this.#visit(vertex, vertex.inputs.map(visit), { ...options, signal })
      results.set(vertex, result)
      result.catch((error: unknown) => abort.abort(error))
      return result
    }
    try {
      return await visit(target)
    } finally {
      await Promise.allSettled(results.values())
    }
  }

  async #visit(
    vertex: Vertex<Result>,
    pending: Promise<Result>[],
    options: SolveOptions<Result>,
  ): Promise<Result> {
    const inputs = await Promise.all(pending)
    options.signal.throwIfAborted()
    options.observer.started(vertex)
    try {
      const { result, cached } = await this.#work(vertex, inputs, options)
      options.observer.finished(vertex, { cached, result })
      return result
    } catch (error) {
      options.observer.failed(vertex, error)
      throw error
    }
  }

  async #work(
    vertex: Vertex<Result>,
    inputs: readonly Result[],
    options: SolveOptions<Result>,
  ): Promise<{ result: Result; cached: boolean }> {
    const { cache, signal, observer } = options
    const answer = (result: Result, lookup: Lookup): { result: Result; cached: boolean } => {
      observer.looked?.(vertex, lookup)
      return { result, cached: true }
    }
    const key = await vertex.cacheKey(inputs, signal)
    if (key === null) {
      observer.looked?.(vertex, 'none')
      return { result: (await vertex.execute(inputs, signal)).result, cached: false }
    }
    let lookup: Lookup = 'unasked'
    if (options.mayUseCache(vertex)) {
      const record = cache.find(key)
      const result = record === null ? null : await vertex.recall(record, inputs)
      if (result !== null) return answer(result, 'hit')
      lookup = record === null ? 'miss' : 'gone'
      const borrowed = (await vertex.borrow?.(inputs, signal)) ?? null
      if (borrowed !== null) {
        if (borrowed.record !== null) await cache.keep(key, borrowed.record)
        return answer(borrowed.result, 'borrowed')
      }
      for (let other = this.#underWay.get(key); other !== undefined; other = this.#underWay.get(key)) {
        const shared = await recallOther(other, vertex, { key, inputs })
        if (shared !== null) return answer(shared, 'shared')
      }
    }
    observer.looked?.(vertex, lookup)
    // No wait between the look above and the entry below: two equal vertices cannot both pass.
    const work = vertex.execute(inputs, signal)
    this.#underWay.set(key, work)
    try {
      const { result, record } = await work
      if (record !== null) await cache.keep(key, record)
      return { result, cached: false }
    } finally {
      if (this.#underWay.get(key) === work) this.#underWay.delete(key)
    }
  }
}

/** Waits for equal work of another vertex. Its failure is its own: then this vertex does the work itself. */
async function recallOther<Result>(
  other: Promise<Executed<Result>>,
  vertex: Vertex<Result>,
  at: { readonly key: string; readonly inputs: readonly Result[] },
): Promise<Result | null> {
  const record = (await other.catch(() => null))?.record ?? null
  return record === null ? null : await vertex.recall({ ...record, key: at.key }, at.inputs)
}
