import type { Engine } from '../tests/support/engine.ts'

/** One thing to measure: `prepare` and `restore` are not timed. */
export type Subject = {
  readonly name: string
  /** Of those for a second, more is better. */
  readonly unit: 'ms' | 'MB' | 'MB/s' | 'µs' | 'Mbit/s' | '/s'
  readonly rounds: number
  /** Does it once and returns what it took, in the unit; NaN when this engine cannot tell. */
  readonly once: (engine: Engine) => Promise<number>
  readonly prepare?: (engine: Engine) => Promise<void>
  readonly restore?: (engine: Engine) => Promise<void>
}

export type Result = { readonly subject: Subject; readonly medians: ReadonlyMap<string, number> }

/** The time that some work takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Measures a subject on all engines, in turn within each round, so that what disturbs one disturbs all. */
export async function measure(subject: Subject, engines: readonly Engine[]): Promise<Result> {
  const samples = new Map<string, number[]>(engines.map(({ name }) => [name, []]))
  for (const engine of engines) await subject.prepare?.(engine)
  try {
    for (let round = 0; round < subject.rounds; round += 1) {
      for (const engine of engines) samples.get(engine.name)!.push(await subject.once(engine))
    }
  } finally {
    for (const engine of engines) await subject.restore?.(engine)
  }
  return { subject, medians: new Map([...samples].map(([name, values]) => [name, median(values)])) }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
