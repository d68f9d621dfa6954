import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthState } from '../state.ts'
import { afterProbe, healthCheckOf, nextProbeMs } from './probe-schedule.ts'

const check = healthCheckOf(
  { Test: ['CMD', 'true'], Interval: 2e9, StartPeriod: 10e9, StartInterval: 1e9, Retries: 2 },
  [],
)!
const starting: HealthState = { status: 'starting', failingStreak: 0, log: [] }
const result = (exitCode: number): { start: string; end: string; exitCode: number; output: string } => ({
  start: '',
  end: '',
  exitCode,
  output: '',
})

test('healthCheckOf() gives nothing for NONE, for no test and for no configuration', () => {
  assert.equal(healthCheckOf({ Test: ['NONE'] }, []), null)
  assert.equal(healthCheckOf({ Test: [] }, []), null)
  assert.equal(healthCheckOf(null, []), null)
})

test('healthCheckOf() runs CMD-SHELL by the shell and fills in the defaults of Docker', () => {
  assert.deepEqual(healthCheckOf({ Test: ['CMD-SHELL', 'exit 0'] }, ['/bin/sh', '-c']), {
    command: ['/bin/sh', '-c', 'exit 0'],
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 5_000,
    retries: 3,
  })
})

test('afterProbe() does not count failures in the start period', () => {
  const after = afterProbe(check, starting, { result: result(1), upMs: 5_000 })
  assert.equal(after.status, 'starting')
  assert.equal(after.failingStreak, 0)
  assert.equal(after.log.length, 1)
})

test('afterProbe() makes a container unhealthy after so many failures in a row, and healthy by one success', () => {
  const once = afterProbe(check, starting, { result: result(1), upMs: 20_000 })
  assert.deepEqual([once.status, once.failingStreak], ['starting', 1])
  const twice = afterProbe(check, once, { result: result(1), upMs: 22_000 })
  assert.deepEqual([twice.status, twice.failingStreak], ['unhealthy', 2])
  const healed = afterProbe(check, twice, { result: result(0), upMs: 24_000 })
  assert.deepEqual([healed.status, healed.failingStreak], ['healthy', 0])
})

test('afterProbe() counts failures after the first success, though the start period goes on', () => {
  const healthy = afterProbe(check, starting, { result: result(0), upMs: 1_000 })
  assert.equal(afterProbe(check, healthy, { result: result(1), upMs: 2_000 }).failingStreak, 1)
})

test('afterProbe() keeps the last five results', () => {
  let health = starting
  for (let code = 0; code < 9; code += 1)
    health = afterProbe(check, health, { result: result(code), upMs: 1 })
  assert.deepEqual(
    health.log.map(({ exitCode }) => exitCode),
    [4, 5, 6, 7, 8],
  )
})

test('nextProbeMs() is short only while starting', () => {
  assert.equal(nextProbeMs(check, starting, 0), 1_000)
  assert.equal(nextProbeMs(check, starting, 11_000), 2_000)
  assert.equal(nextProbeMs(check, { ...starting, status: 'healthy' }, 0), 2_000)
})
