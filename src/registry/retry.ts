import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 10_000

/** How long to wait after the nth failure: doubling, with some chance in it so that clients do not return together. */
export function retryDelayMs(attempt: number): number {
  const full = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS)
  return full / 2 + (Math.random() * full) / 2
}

/** Waits. @throws the signal's reason when it aborts. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
