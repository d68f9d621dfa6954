import type { HealthConfig } from '#spec/docker/container-config.ts'
import type { HealthResult, HealthState } from '../state.ts'

const NS_PER_MS = 1e6
const DEFAULT_INTERVAL_MS = 30_000
const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_START_INTERVAL_MS = 5_000
const DEFAULT_RETRIES = 3
const KEPT_RESULTS = 5

/** A health check with Docker's defaults in place. */
export interface HealthCheck {
  readonly command: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Failures in this time after the start do not count. */
  readonly startPeriodMs: number
  readonly startIntervalMs: number
  /** So many failures in a row make the container unhealthy. */
  readonly retries: number
}

/** The check of a container, or null when it has none. `shell` runs CMD-SHELL. */
export function healthCheckOf(config: HealthConfig | null, shell: readonly string[]): HealthCheck | null {
  const [kind, ...rest] = config?.Test ?? []
  const command = kind === 'CMD' ? rest : kind === 'CMD-SHELL' ? [...shell, ...rest] : []
  if (config === null || command.length === 0) return null
  const ms = (value: number | null | undefined, fallback: number): number =>
    (value ?? 0) === 0 ? fallback : (value ?? 0) / NS_PER_MS
  return {
    command,
    intervalMs: ms(config.Interval, DEFAULT_INTERVAL_MS),
    timeoutMs: ms(config.Timeout, DEFAULT_TIMEOUT_MS),
    startPeriodMs: ms(config.StartPeriod, 0),
    startIntervalMs: ms(config.StartInterval, DEFAULT_START_INTERVAL_MS),
    retries: config.Retries || DEFAULT_RETRIES,
  }
}

/** The wait before the next probe: short while the container is starting. */
export function nextProbeMs(check: HealthCheck, health: HealthState, upMs: number): number {
  const isStarting = health.status === 'starting' && upMs < check.startPeriodMs
  return isStarting ? check.startIntervalMs : check.intervalMs
}

/** The health after one more result. A success ends the start period; failures within it do not count. */
export function afterProbe(
  check: HealthCheck,
  before: HealthState,
  probe: { readonly result: HealthResult; readonly upMs: number },
): HealthState {
  const log = [...before.log, probe.result].slice(-KEPT_RESULTS)
  if (probe.result.exitCode === 0) return { status: 'healthy', failingStreak: 0, log }
  if (before.status === 'starting' && probe.upMs < check.startPeriodMs) return { ...before, log }
  const failingStreak = before.failingStreak + 1
  const status = failingStreak >= check.retries ? 'unhealthy' : before.status
  return { status, failingStreak, log }
}
