import { failpoint } from '#base/failpoint.ts'
import { ConflictError, InvalidArgumentError, NotModifiedError, messageOf } from '#errors/errors.ts'
import type { ContainerStopOptions } from '#spec/docker/options.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import type { Runs } from './runs.ts'
import { parseSignal } from './signals.ts'
import { isAlive, isRunning } from './state.ts'

const SIGKILL = 9
/** How long the kernel may take to end what got SIGKILL before it is told again. */
const KILL_PATIENCE_MS = 10_000

/** Ends runs, and holds them up: stop, kill, restart, pause. */
export class Stopping {
  readonly #context: ContainerContext
  readonly #runs: Runs

  constructor(context: ContainerContext, runs: Runs) {
    this.#context = context
    this.#runs = runs
  }

  /** Asks the container to end, and makes it after the timeout. @throws NotModifiedError when it does not run */
  async stop(record: ContainerRecord, options: ContainerStopOptions): Promise<void> {
    if (!isRunning(record.state)) throw new NotModifiedError(`container ${record.id} is already stopped`)
    await this.#stop(record, options)
  }

  /** Stops the container when it runs, and starts it. */
  async restart(record: ContainerRecord, options: ContainerStopOptions): Promise<void> {
    if (isRunning(record.state)) await this.#runs.keeping(record.id, () => this.#stop(record, options))
    await this.#runs.start(record.id)
    this.#publish(record, 'restart')
  }

  /** Sends a signal. SIGKILL returns when the container has ended. @throws ConflictError when it does not run */
  async kill(record: ContainerRecord, signalText: string, reference: string = record.id): Promise<void> {
    const signal = signalText === '' ? SIGKILL : signalToKill(signalText, reference)
    if (!isRunning(record.state)) throw notRunning(record, reference)
    if (await this.#cancelRestart(record.id)) return
    if (this.#endsRun(record, signal)) this.#context.records.setState(record.id, { stoppedByUser: true })
    const ended = this.#runs.ended(record.id)
    await this.#signal(record, signal)
    if (signal === SIGKILL) await ended
  }

  /** Kills the container as if it had crashed: its restart policy applies. */
  async crash(record: ContainerRecord): Promise<void> {
    await this.#signal(record, SIGKILL)
  }

  /** Freezes all processes of the container. */
  async pause(id: string): Promise<void> {
    using _held = await this.#context.locks.acquire(id)
    const { records, runtime } = this.#context
    const record = records.get(id)
    const { state } = record
    if (state.status === 'paused') throw new ConflictError(`Container ${id} is already paused`)
    if (state.status === 'restarting') throw restarting(id)
    if (state.status !== 'running') throw new ConflictError(`container ${id} is not running`)
    await runtime.pause(id)
    await failpoint('containers.pause.after-freeze')
    records.setState(id, { state: { ...state, status: 'paused' } })
    this.#publish(record, 'pause')
  }

  /** Lets a paused container go on. */
  async unpause(id: string): Promise<void> {
    using _held = await this.#context.locks.acquire(id)
    const { records, runtime } = this.#context
    const record = records.get(id)
    const { state } = record
    if (state.status !== 'paused') throw new ConflictError(`Container ${id} is not paused`)
    await runtime.resume(id)
    await failpoint('containers.unpause.after-thaw')
    records.setState(id, { state: { ...state, status: 'running' } })
    this.#publish(record, 'unpause')
  }

  /** Ends a container for good reason (`rm -f`): no timeout. Returns when its end has been handled. */
  async end(record: ContainerRecord): Promise<void> {
    if (await this.#cancelRestart(record.id)) return
    this.#context.records.setState(record.id, { stoppedByUser: true })
    const ended = this.#runs.ended(record.id)
    await this.#signal(record, SIGKILL).catch(ignoreEnded)
    await ended
  }

  async #stop(record: ContainerRecord, options: ContainerStopOptions): Promise<void> {
    const { id } = record
    if (!(await this.#cancelRestart(id))) {
      this.#context.records.setState(id, { stoppedByUser: true })
      const ended = this.#runs.ended(id)
      const signal = parseSignal(options.signal ?? record.config.StopSignal ?? 'SIGTERM')
      const seconds =
        options.timeoutSeconds ?? record.config.StopTimeout ?? this.#context.defaults.stopTimeoutSeconds
      await this.#signal(record, signal).catch(ignoreEnded)
      if (!(await within(ended, seconds < 0 ? null : seconds * 1000))) await this.#forceEnd(record, ended)
    }
    this.#publish(record, 'stop')
  }

  async #forceEnd(record: ContainerRecord, ended: Promise<void>): Promise<void> {
    do {
      await this.#signal(record, SIGKILL).catch(ignoreEnded)
    } while (!(await within(ended, KILL_PATIENCE_MS)))
  }

  /** A paused container gets signals only when it is thawed. */
  async #signal(record: ContainerRecord, signal: number): Promise<void> {
    const { id } = record
    await this.#context.runtime.kill(id, signal)
    const { state } = this.#context.records.get(id)
    if (state.status === 'paused' && this.#endsRun(record, signal)) await this.unpauseQuietly(id)
    this.#publish(record, 'kill', { signal: String(signal) })
  }

  /** Lets go of a paused container that has a deadly signal pending. */
  async unpauseQuietly(id: string): Promise<void> {
    using _held = await this.#context.locks.acquire(id)
    const { state } = this.#context.records.get(id)
    if (state.status !== 'paused') return
    await this.#context.runtime.resume(id)
    this.#context.records.setState(id, { state: { ...state, status: 'running' } })
  }

  /** Docker takes any signal for a wish to end the container, unless the container names its own stop signal. */
  #endsRun(record: ContainerRecord, signal: number): boolean {
    const own = record.config.StopSignal
    return signal === SIGKILL || !own || parseSignal(own) === signal
  }

  /** Between two runs there is nothing to signal: the container is left as it ended. */
  async #cancelRestart(id: string): Promise<boolean> {
    using _held = await this.#context.locks.acquire(id)
    const { records } = this.#context
    const { state } = records.get(id)
    if (isAlive(state) || state.status !== 'restarting') return false
    this.#runs.cancelRestart(id)
    records.setState(id, { stoppedByUser: true, state: { ...state, status: 'exited' } })
    return true
  }

  #publish(record: ContainerRecord, action: string, attributes: Readonly<Record<string, string>> = {}): void {
    publishContainerEvent(this.#context.events, record, { action, attributes })
  }
}

function notRunning(record: ContainerRecord, reference: string): ConflictError {
  return new ConflictError(`cannot kill container: ${reference}: container ${record.id} is not running`)
}

function signalToKill(text: string, reference: string): number {
  try {
    return parseSignal(text)
  } catch (cause) {
    throw new InvalidArgumentError(`cannot kill container: ${reference}: ${messageOf(cause)}`, { cause })
  }
}

/** The error of everything that wants a process while there is none for a moment. */
export function restarting(id: string): ConflictError {
  return new ConflictError(`container ${id} is restarting, wait until the container is running`)
}

function ignoreEnded(error: unknown): void {
  // It ended by itself meanwhile, which is what was wanted.
  if (!(error instanceof ConflictError) && !(error instanceof Error && error.name === 'NotFoundError'))
    throw error
}

/** Tells whether the promise settled in time; null is for ever. */
async function within(promise: Promise<void>, timeoutMs: number | null): Promise<boolean> {
  if (timeoutMs === null) {
    await promise
    return true
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)))
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
