import { failpoint } from '#base/failpoint.ts'
import { phase } from '#base/trace.ts'
import { ConflictError, messageOf, NotModifiedError, UnavailableError } from '#errors/errors.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import type { ContainerExit } from '#runtime/runtime.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import { publishVolumeEvents } from './volume-events.ts'
import { Backoff, shouldRestart } from './restart-policy.ts'
import { beginRun } from './start/begin-run.ts'
import { releaseNetwork, releaseRun } from './start/release-run.ts'
import { exitCodeOf, isAlive, isRunning, NEVER } from './state.ts'
import { parseNs, timestamp } from './timestamp.ts'

/** Told when runs begin and end: health checks, logs, execs. Never throws. */
export interface RunListener {
  /** The process runs (also: was found running when the daemon started). */
  began?(record: ContainerRecord): void
  /** The process has ended; its record still says so only after. */
  ended?(record: ContainerRecord): Promise<void> | void
}

/**
 * Runs of containers: begins them, notices their end, begins them again as their restart policy says. One lock for
 * each container orders all of it: the end of a run is handled after its start has been written down.
 */
export class Runs {
  readonly #context: ContainerContext
  readonly #listeners: RunListener[] = []
  /** Settles when the end of the run has been handled: network free, state written, waiters told. */
  readonly #ends = new Map<string, PromiseWithResolvers<void>>()
  /** What goes on behind the client's back: a next start waits for it. */
  readonly #releases = new Map<string, Promise<void>>()
  readonly #restarts = new Map<string, NodeJS.Timeout>()
  readonly #backoffs = new Map<string, Backoff>()
  /** Containers that a user restarts: their end is no end for `--rm`. */
  readonly #restarted = new Set<string>()
  /** Takes a container away when it ends (`--rm`); set by `open-containers.ts`. Runs under the container's lock. */
  #autoRemove: (record: ContainerRecord) => Promise<void> = async () => {}

  constructor(context: ContainerContext) {
    this.#context = context
  }

  /** Adds one who is told of runs. */
  listen(listener: RunListener): void {
    this.#listeners.push(listener)
  }

  /** Sets what becomes of containers that are to be removed at their end. */
  onAutoRemove(remove: (record: ContainerRecord) => Promise<void>): void {
    this.#autoRemove = remove
  }

  /**
   * Starts a container by a user's wish: the counters of its restart policy begin anew.
   * @throws NotModifiedError when it runs; ConflictError when it is paused or being removed; RuntimeFailure
   */
  async start(id: string, options: { readonly restore: string | null } = { restore: null }): Promise<void> {
    using _ = phase('containers.start')
    using _held = await this.#context.locks.acquire(id)
    const record = this.#context.records.get(id)
    assertStartable(record)
    this.#backoffs.delete(id)
    await this.#begin(this.#context.records.setState(id, { restartCount: 0, stoppedByUser: false }), options)
  }

  /** Resolves when the container's present run has been dealt with; at once when there is none. */
  ended(id: string): Promise<void> {
    return this.#ends.get(id)?.promise ?? Promise.resolve()
  }

  /** Resolves when nothing of an earlier run is left: its mounts may go. */
  async released(id: string): Promise<void> {
    await this.#releases.get(id)
  }

  /** Stops waiting for the next run of a restart policy; tells whether one was due. Call under the container's lock. */
  cancelRestart(id: string): boolean {
    const timer = this.#restarts.get(id)
    clearTimeout(timer)
    this.#restarts.delete(id)
    return timer !== undefined
  }

  /** Follows a run that this daemon did not begin, or that it found running. */
  watch(record: ContainerRecord): void {
    const { id } = record
    this.#ends.set(id, Promise.withResolvers())
    this.#follow(id)
    for (const listener of this.#listeners) listener.began?.(record)
  }

  /** Does what ends the container's run so that `--rm` does not take the container away. */
  async keeping(id: string, end: () => Promise<void>): Promise<void> {
    this.#restarted.add(id)
    try {
      await end()
    } finally {
      this.#restarted.delete(id)
    }
  }

  /** Handles the end of a run that ended while no daemon was there. */
  async foundEnded(id: string, exit: ContainerExit): Promise<void> {
    this.#ends.set(id, Promise.withResolvers())
    await this.#end(id, exit)
  }

  /** Plans the next run of a container whose policy wants one. */
  planRestart(record: ContainerRecord, ranMs: number): void {
    const { id } = record
    const backoff = this.#backoffs.get(id) ?? new Backoff()
    this.#backoffs.set(id, backoff)
    const timer = setTimeout(() => void this.#restart(id), backoff.next(ranMs))
    this.#restarts.set(id, timer)
  }

  /** Begins a run outside of a user's wish: after a restart of the daemon. */
  async resume(id: string): Promise<void> {
    using _held = await this.#context.locks.acquire(id)
    const record = this.#context.records.find(id)
    if (record === null || isRunning(record.state)) return
    try {
      await this.#begin(record)
    } catch (error) {
      // After a power failure of several hosts, what they share may come up later than they.
      if (error instanceof UnavailableError) this.#tryAgain(id)
      throw error
    }
  }

  /** Lets go of timers; containers go on. */
  close(): void {
    for (const timer of this.#restarts.values()) clearTimeout(timer)
    this.#restarts.clear()
  }

  async #begin(
    record: ContainerRecord,
    options: { readonly restore: string | null } = { restore: null },
  ): Promise<void> {
    const { records } = this.#context
    const { id } = record
    await this.#releases.get(id)
    const startedAt = timestamp()
    this.#ends.set(id, Promise.withResolvers())
    let pid: number
    try {
      pid = await beginRun(this.#context, record, options)
    } catch (error) {
      await this.#failed(record, error)
      throw error
    }
    const running = records.setState(id, {
      state: {
        status: 'running',
        pid,
        startedAt,
        finishedAt: isAlive(record.state) ? NEVER : record.state.finishedAt,
        oomKilled: false,
        health: null,
      },
    })
    await failpoint('containers.start.after-state')
    publishContainerEvent(this.#context.events, running, { action: 'start' })
    for (const listener of this.#listeners) listener.began?.(running)
    this.#follow(id)
  }

  #follow(id: string): void {
    void this.#context.runtime.exit(id).then(
      async (exit) => {
        try {
          using _held = await this.#context.locks.acquire(id)
          await this.#end(id, exit)
        } catch (error) {
          this.#context.logger.error('handle the end of a container', {
            container: id,
            error: messageOf(error),
          })
        }
      },
      (error: unknown) =>
        this.#context.logger.error('watch a container', { container: id, error: messageOf(error) }),
    )
  }

  /** A start that failed: what was taken is let go, and the record says why, as Docker's. */
  async #failed(record: ContainerRecord, error: unknown): Promise<void> {
    const { records, stdio } = this.#context
    const { id } = record
    await Promise.all([releaseNetwork(this.#context, record), releaseRun(this.#context, record)])
    const exitCode = error instanceof RuntimeFailure ? error.exitCode : 128
    // What the runtime refused had its volumes.
    if (error instanceof RuntimeFailure) publishVolumeEvents(this.#context.events, record, 'unmount')
    const before = record.state
    records.setState(id, {
      state: {
        status: before.status === 'created' ? 'created' : 'exited',
        exitCode,
        error: messageOf(error),
        oomKilled: false,
        startedAt: before.startedAt,
        finishedAt: before.finishedAt,
        health: null,
      },
    })
    stdio.finish(id)
    this.#settle(id)
    if (record.hostConfig.AutoRemove === true) await this.#autoRemove(records.get(id))
  }

  /** The process is gone. Runs under the lock. */
  async #end(id: string, exit: ContainerExit): Promise<void> {
    using _ = phase('containers.end')
    const { records, events, waiters, stdio } = this.#context
    const record = records.find(id)
    if (record === null || !isAlive(record.state)) return this.#settle(id)
    const { startedAt, health } = record.state
    const network = releaseNetwork(this.#context, record)
    await Promise.all(this.#listeners.map(async (listener) => await listener.ended?.(record)))
    await network
    const again = shouldRestart(record, exit.exitCode)
    const oomKilled = exit.oomKilled || record.state.oomKilled
    const ended = records.setState(id, {
      restartCount: record.restartCount + (again ? 1 : 0),
      state: {
        status: again ? 'restarting' : 'exited',
        exitCode: exit.exitCode,
        error: '',
        oomKilled,
        startedAt,
        finishedAt: exit.finishedAt,
        health: health === null ? null : { ...health, status: 'unhealthy' },
      },
    })
    await failpoint('containers.end.after-state')
    if (exit.oomKilled && !record.state.oomKilled) publishContainerEvent(events, record, { action: 'oom' })
    const ranMs = elapsedMs(startedAt, exit.finishedAt)
    publishVolumeEvents(events, record, 'unmount')
    publishContainerEvent(events, record, {
      action: 'die',
      attributes: {
        exitCode: String(exit.exitCode),
        execDuration: String(Math.max(0, Math.floor(ranMs / 1000))),
      },
    })
    stdio.finish(id)
    const response = { StatusCode: exit.exitCode }
    waiters.exited(id, response)
    const release = releaseRun(this.#context, record)
    this.#releases.set(id, release)
    void release.then(() => this.#releases.get(id) === release && this.#releases.delete(id))
    if (again) this.planRestart(ended, ranMs)
    else if (record.hostConfig.AutoRemove === true && !this.#restarted.has(id)) await this.#autoRemove(ended)
    this.#settle(id)
  }

  #settle(id: string): void {
    this.#ends.get(id)?.resolve()
    this.#ends.delete(id)
  }

  async #restart(id: string): Promise<void> {
    using _held = await this.#context.locks.acquire(id)
    this.#restarts.delete(id)
    const record = this.#context.records.find(id)
    if (record === null || record.state.status !== 'restarting') return
    try {
      await this.#begin(record)
    } catch (error) {
      this.#context.logger.warn('restart a container', { container: id, error: messageOf(error) })
      this.#tryAgain(id)
    }
  }

  /** A start that fails counts as a run that failed: the policy says whether there is another. */
  #tryAgain(id: string): void {
    const failed = this.#context.records.find(id)
    if (failed === null || !shouldRestart(failed, exitCodeOf(failed.state)) || isAlive(failed.state)) return
    const next = this.#context.records.setState(id, {
      restartCount: failed.restartCount + 1,
      state: { ...failed.state, status: 'restarting' },
    })
    this.planRestart(next, 0)
  }
}

function elapsedMs(from: string, to: string): number {
  return Number((parseNs(to) ?? 0n) - (parseNs(from) ?? 0n)) / 1e6
}

function assertStartable(record: ContainerRecord): void {
  switch (record.state.status) {
    case 'paused':
      throw new ConflictError('cannot start a paused container, try unpause instead')
    case 'running':
    case 'restarting':
      throw new NotModifiedError(`container ${record.id} is already running`)
    case 'removing':
    case 'dead':
      throw new ConflictError('container is marked for removal and cannot be started')
    case 'created':
    case 'exited':
      return
  }
}
