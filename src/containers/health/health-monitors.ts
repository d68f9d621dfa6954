import { newId } from '#base/ids.ts'
import { messageOf } from '#errors/errors.ts'
import { publishContainerEvent } from '../container-events.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'
import type { RunListener } from '../runs.ts'
import { isAlive, type HealthResult, type HealthState } from '../state.ts'
import { parseNs, timestamp } from '../timestamp.ts'
import { afterProbe, healthCheckOf, nextProbeMs, type HealthCheck } from './probe-schedule.ts'

const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c']
/** What is kept of a probe's output. */
const MAX_OUTPUT_BYTES = 4096
const SIGKILL = 9

interface Monitor {
  readonly check: HealthCheck
  timer: NodeJS.Timeout | null
  stopped: boolean
}

/** Told when a container becomes unhealthy (`--health-on-failure`). */
export type UnhealthyListener = (record: ContainerRecord) => void

/** Runs the health checks of running containers, one timer for each that has one. */
export class HealthMonitors implements RunListener {
  readonly #context: ContainerContext
  readonly #onUnhealthy: UnhealthyListener
  readonly #monitors = new Map<string, Monitor>()

  constructor(context: ContainerContext, options: { readonly onUnhealthy: UnhealthyListener }) {
    this.#context = context
    this.#onUnhealthy = options.onUnhealthy
  }

  began(record: ContainerRecord): void {
    const { config, id, state } = record
    const check = healthCheckOf(config.Healthcheck ?? null, config.Shell ?? DEFAULT_SHELL)
    if (check === null || !isAlive(state)) return
    // A run that a new daemon takes up keeps its health.
    if (state.health === null) this.#note(id, { status: 'starting', failingStreak: 0, log: [] })
    const monitor: Monitor = { check, timer: null, stopped: false }
    this.#monitors.set(id, monitor)
    this.#plan(id, monitor)
  }

  ended(record: ContainerRecord): void {
    const monitor = this.#monitors.get(record.id)
    if (monitor === undefined) return
    monitor.stopped = true
    if (monitor.timer !== null) clearTimeout(monitor.timer)
    this.#monitors.delete(record.id)
  }

  /** Lets go of all timers. */
  close(): void {
    for (const monitor of this.#monitors.values()) {
      monitor.stopped = true
      if (monitor.timer !== null) clearTimeout(monitor.timer)
    }
    this.#monitors.clear()
  }

  #plan(id: string, monitor: Monitor): void {
    const record = this.#context.records.find(id)
    if (record === null || !isAlive(record.state) || record.state.health === null) return
    const delayMs = nextProbeMs(monitor.check, record.state.health, upMs(record))
    monitor.timer = setTimeout(() => void this.#probe(id, monitor), delayMs)
    monitor.timer.unref()
  }

  async #probe(id: string, monitor: Monitor): Promise<void> {
    const record = this.#context.records.find(id)
    if (record === null || monitor.stopped || !isAlive(record.state)) return
    // A frozen container answers nothing: dockerd probes it and calls it unhealthy, which helps nobody.
    if (record.state.status === 'running') {
      const result = await this.#run(record, monitor.check)
      if (monitor.stopped) return
      this.#judge(id, { monitor, result })
    }
    this.#plan(id, monitor)
  }

  async #run(record: ContainerRecord, check: HealthCheck): Promise<HealthResult> {
    const { runtime, events } = this.#context
    const start = timestamp()
    const execId = newId()
    const command = check.command.join(' ')
    const tell = (action: string): void =>
      publishContainerEvent(events, record, { action, attributes: { execID: execId } })
    tell(`exec_create: ${command}`)
    let output = ''
    try {
      tell(`exec_start: ${command}`)
      const probe = await runtime.exec(record.id, {
        execId,
        args: check.command,
        env: [],
        user: null,
        cwd: null,
        tty: false,
        privileged: false,
        stdin: false,
        attach: true,
      })
      let late = false
      const timer = setTimeout(() => {
        late = true
        void runtime.killExec(record.id, execId, SIGKILL).catch(() => {})
      }, check.timeoutMs)
      const read = (async () => {
        for await (const chunk of probe.attachment?.output ?? []) {
          if (output.length < MAX_OUTPUT_BYTES) output += chunk.bytes.toString('utf8')
        }
      })()
      const exitCode = await probe.exited
      clearTimeout(timer)
      probe.attachment?.[Symbol.dispose]()
      await read.catch(() => {})
      publishContainerEvent(events, record, {
        action: 'exec_die',
        attributes: { execID: execId, exitCode: String(exitCode) },
      })
      if (late) {
        const text = `Health check exceeded timeout (${durationText(check.timeoutMs)})`
        return { start, end: timestamp(), exitCode: -1, output: output === '' ? text : `${text}: ${output}` }
      }
      return { start, end: timestamp(), exitCode, output: cut(output) }
    } catch (error) {
      return { start, end: timestamp(), exitCode: -1, output: cut(messageOf(error)) }
    }
  }

  #judge(id: string, probe: { readonly monitor: Monitor; readonly result: HealthResult }): void {
    const record = this.#context.records.find(id)
    if (record === null || !isAlive(record.state) || record.state.health === null) return
    const before = record.state.health
    const after = afterProbe(probe.monitor.check, before, { result: probe.result, upMs: upMs(record) })
    this.#note(id, after)
    if (after.status === before.status) return
    publishContainerEvent(this.#context.events, record, { action: `health_status: ${after.status}` })
    if (after.status === 'unhealthy') this.#onUnhealthy(record)
  }

  #note(id: string, health: HealthState): void {
    const { state } = this.#context.records.get(id)
    if (isAlive(state)) this.#context.records.setState(id, { state: { ...state, health } })
  }
}

function upMs(record: ContainerRecord): number {
  return Date.now() - Number((parseNs(record.state.startedAt) ?? 0n) / 1_000_000n)
}

function cut(output: string): string {
  return output.length <= MAX_OUTPUT_BYTES ? output : `${output.slice(0, MAX_OUTPUT_BYTES)}...`
}

/** As Go prints a duration: `1.5s`, `30s`, `1m0s`. */
function durationText(ms: number): string {
  if (ms < 1000) return `${ms}ms`
  const seconds = ms / 1000
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
