import { assertNever } from '#base/assert-never.ts'

/** When the clock was never set: Go's zero time, as Docker prints it. */
export const NEVER = '0001-01-01T00:00:00Z'

/** One run of a health check. */
export interface HealthResult {
  readonly start: string
  readonly end: string
  readonly exitCode: number
  readonly output: string
}

/** Null when the container has no health check. */
export interface HealthState {
  readonly status: 'starting' | 'healthy' | 'unhealthy'
  readonly failingStreak: number
  /** The last five, oldest first. */
  readonly log: readonly HealthResult[]
}

/** How the last run of a container ended; times are RFC 3339 with nanoseconds. */
interface LastRun {
  readonly exitCode: number
  readonly error: string
  readonly oomKilled: boolean
  readonly startedAt: string
  readonly finishedAt: string
  readonly health: HealthState | null
}

interface ThisRun {
  readonly pid: number
  readonly oomKilled: boolean
  readonly startedAt: string
  /** The end of the run before this one. */
  readonly finishedAt: string
  readonly health: HealthState | null
}

/**
 * What a container is doing. `created` also stands for one whose start failed: exit code and error tell of it, as in
 * Docker. `restarting` waits for its restart policy's delay.
 */
export type ContainerStatus =
  | (LastRun & { readonly status: 'created' | 'exited' | 'dead' | 'removing' | 'restarting' })
  | (ThisRun & { readonly status: 'running' | 'paused' })

/** The state of a container that was never started. */
export const initialStatus: Exclude<ContainerStatus, { pid: number }> = {
  status: 'created',
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: NEVER,
  finishedAt: NEVER,
  health: null,
}

/** The state of a container in the making. */
export const unfinishedStatus: ContainerStatus = { ...initialStatus, status: 'removing' }

/** Tells whether the container has a process; Docker's `State.Running` without `restarting`. */
export function isAlive(state: ContainerStatus): state is Extract<ContainerStatus, { pid: number }> {
  switch (state.status) {
    case 'running':
    case 'paused':
      return true
    case 'created':
    case 'exited':
    case 'dead':
    case 'removing':
    case 'restarting':
      return false
    default:
      return assertNever(state)
  }
}

/** Docker's `IsRunning`: alive, or between two runs of a restart policy. */
export function isRunning(state: ContainerStatus): boolean {
  return isAlive(state) || state.status === 'restarting'
}

/** The exit code of the last run; 0 while one is under way. */
export function exitCodeOf(state: ContainerStatus): number {
  return isAlive(state) ? 0 : state.exitCode
}
