import { openSync, readFileSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTraceSink } from '#base/trace.ts'

/** How often the event loop is looked at, and told of when it was late by more. */
const LOOP_RESOLUTION_MS = 2
const LOOP_WINDOW_MS = 50
const LOOP_LATE_MS = 5

/**
 * Writes every phase that ends to a file, a JSON object a line (`wharfd --trace`), and as `event-loop.late` how long the event loop was
 * blocked at most in each of the windows in which it was, less the time that it waited for a processor.
 */
export function traceTo(path: string): void {
  const fd = openSync(path, 'a', 0o600)
  const write = (name: string, startMs: number, durationMs: number): void => {
    writeSync(fd, `${JSON.stringify({ name, startMs: round(startMs), durationMs: round(durationMs) })}\n`)
  }
  setTraceSink(write)
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  delay.enable()
  let waitedMs = queuedMs()
  setInterval(() => {
    const before = waitedMs
    waitedMs = queuedMs()
    const lateMs = delay.max / 1e6 - LOOP_RESOLUTION_MS - (waitedMs - before)
    if (lateMs > LOOP_LATE_MS) write('event-loop.late', performance.now() - LOOP_WINDOW_MS, lateMs)
    delay.reset()
  }, LOOP_WINDOW_MS).unref()
}

/** How long the main thread has been ready to run and was not (schedstats). */
function queuedMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
