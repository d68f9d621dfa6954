import { assertNever } from '#base/assert-never.ts'
import type { ContainerRecord } from './records.ts'

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 60_000
/** A run of this length counts as a success: the delay starts anew. */
const STEADY_MS = 10_000

/** Tells whether the policy wants another run after one that ended so. */
export function shouldRestart(record: ContainerRecord, exitCode: number): boolean {
  const policy = record.hostConfig.RestartPolicy
  const name = policy?.Name ?? ''
  if (record.stoppedByUser) return false
  switch (name) {
    case '':
    case 'no':
      return false
    case 'always':
    case 'unless-stopped':
      return true
    case 'on-failure': {
      const limit = policy?.MaximumRetryCount ?? 0
      return exitCode !== 0 && (limit === 0 || record.restartCount < limit)
    }
    default:
      return assertNever(name)
  }
}

/** Tells whether a container that does not run is to be started when the daemon starts: after a reboot, say. */
export function shouldStartWithDaemon(record: ContainerRecord): boolean {
  const name = record.hostConfig.RestartPolicy?.Name ?? ''
  const { state } = record
  switch (name) {
    case 'always':
      return state.status !== 'created' && state.status !== 'dead' && state.status !== 'removing'
    case 'unless-stopped':
      return (
        !record.stoppedByUser &&
        state.status !== 'created' &&
        state.status !== 'dead' &&
        state.status !== 'removing'
      )
    default:
      return false
  }
}

/** Docker's delays between runs: 100 ms, doubled each time up to a minute, from the start again after a steady run. */
export class Backoff {
  #delayMs = 0

  /** The wait before the next run, given how long the last one was. */
  next(ranMs: number): number {
    this.#delayMs =
      this.#delayMs === 0 || ranMs >= STEADY_MS
        ? FIRST_DELAY_MS
        : Math.min(this.#delayMs * 2, LONGEST_DELAY_MS)
    return this.#delayMs
  }
}
