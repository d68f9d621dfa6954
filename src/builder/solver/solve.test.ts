import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Solver } from './solve.ts'
import type { CachedValue, CacheRecord, StepCache, Vertex } from './vertex.ts'

class MemoryCache implements StepCache {
  readonly #records = new Map<string, CacheRecord>()
  find(key: string): CacheRecord | null {
    return this.#records.get(key) ?? null
  }
  keep(key: string, value: CachedValue): Promise<void> {
    this.#records.set(key, { ...value, key })
    return Promise.resolve()
  }
}

type Fake = Vertex<string> & { runs: number }

/** A vertex whose result is its name over its inputs; its key is that result too. */
function fake(
  name: string,
  inputs: readonly Fake[] = [],
  work: () => Promise<void> = () => Promise.resolve(),
): Fake {
  const resultOf = (from: readonly string[]): string => `${name}(${from.join(',')})`
  return {
    name,
    inputs,
    runs: 0,
    cacheKey: (from) => Promise.resolve(resultOf(from)),
    recall: (record) => Promise.resolve(record.description),
    async execute(from) {
      this.runs += 1
      await work()
      const result = resultOf(from)
      return {
        result,
        record: { layer: null, sizeBytes: 0, created: '', description: result, type: 'regular' },
      }
    },
  }
}

const quiet = { started() {}, finished() {}, failed() {} }
const options = (cache: StepCache, extra: object = {}) => ({
  cache,
  observer: quiet,
  signal: new AbortController().signal,
  mayUseCache: () => true,
  ...extra,
})

test('solve() runs a shared input once', async () => {
  const base = fake('base')
  const target = fake('join', [fake('a', [base]), fake('b', [base])])
  assert.equal(
    await new Solver<string>().solve(target, options(new MemoryCache())),
    'join(a(base()),b(base()))',
  )
  assert.equal(base.runs, 1)
})

test('solve() takes from the cache what an earlier solve kept, unless told not to', async () => {
  const cache = new MemoryCache()
  const solver = new Solver<string>()
  await solver.solve(fake('x'), options(cache))
  const again = fake('x')
  await solver.solve(again, options(cache))
  assert.equal(again.runs, 0)
  await solver.solve(again, options(cache, { mayUseCache: () => false }))
  assert.equal(again.runs, 1)
})

test('solve() shares equal work that is under way between two builds', async () => {
  const gate = Promise.withResolvers<void>()
  const [one, two] = [fake('x', [], () => gate.promise), fake('x')]
  const solver = new Solver<string>()
  const cache = new MemoryCache()
  const both = [solver.solve(one, options(cache)), solver.solve(two, options(cache))]
  await new Promise(setImmediate)
  gate.resolve()
  assert.deepEqual(await Promise.all(both), ['x()', 'x()'])
  assert.equal(two.runs, 0)
})

test('solve() runs independent vertices at the same time', async () => {
  const gate = Promise.withResolvers<void>()
  let running = 0
  const meet = async (): Promise<void> => {
    running += 1
    if (running === 2) gate.resolve()
    await gate.promise
  }
  await new Solver<string>().solve(
    fake('join', [fake('a', [], meet), fake('b', [], meet)]),
    options(new MemoryCache()),
  )
})

test('solve() throws the first failure, when the rest has stopped', async () => {
  let ended = false
  const slow = fake('slow')
  slow.execute = async (_inputs, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    ended = true
    throw signal.reason as Error
  }
  const broken = fake('broken', [], () => Promise.reject(new Error('no such file')))
  await assert.rejects(
    new Solver<string>().solve(fake('join', [slow, broken]), options(new MemoryCache())),
    /no such file/,
  )
  assert.equal(ended, true)
})
