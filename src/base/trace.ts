import { performance } from 'node:perf_hooks'

/**
 * Phases of a request, for finding where the time goes (`wharfd --trace`). Off unless a sink is set; then each
 * phase that ends is told to it. Phases cost nothing but a call when off.
 */
export type TraceSink = (name: string, startMs: number, durationMs: number) => void

let sink: TraceSink | null = null

/** Sets who is told of phases; null turns tracing off. */
export function setTraceSink(next: TraceSink | null): void {
  sink = next
}

const nothing: Disposable = { [Symbol.dispose]() {} }

/** Opens a phase that ends when the result is disposed of: `using _ = phase('runtime.create')`. */
export function phase(name: string): Disposable {
  if (sink === null) return nothing
  const start = performance.now()
  return { [Symbol.dispose]: () => sink?.(name, start, performance.now() - start) }
}
