import { openSync, writeSync } from 'node:fs'
import { setTraceSink } from '#base/trace.ts'

/** Writes every phase that ends to a file, a JSON object a line (`wharfd --trace`). */
export function traceTo(path: string): void {
  const fd = openSync(path, 'a', 0o600)
  setTraceSink((name, startMs, durationMs) => {
    writeSync(fd, `${JSON.stringify({ name, startMs: round(startMs), durationMs: round(durationMs) })}\n`)
  })
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
