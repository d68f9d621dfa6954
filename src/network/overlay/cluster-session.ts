import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/logger.ts'
import { messageOf, UnavailableError } from '#errors/errors.ts'
import type { ClusterMirror } from './cluster-mirror.ts'
import type { ClusterOptions } from './cluster-options.ts'
import type { ClusterHost, ClusterKeys } from './cluster-records.ts'
import type { Etcd } from './etcd.ts'
import { watchPrefix } from './etcd-watch.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 3000

/** What a session is made of. */
export interface SessionParts {
  readonly etcd: Etcd
  readonly keys: ClusterKeys
  readonly mirror: ClusterMirror
  readonly options: ClusterOptions
  readonly log: Logger
  /** This host, as others shall see it. @throws when it has no address now. */
  readonly host: () => ClusterHost
  /** Called when the mirror holds all that there is, and from time to time: what differs from what this host has is put right. */
  readonly settle: () => Promise<void>
}

/**
 * Keeps in touch with the store for as long as the daemon runs: says that this host is there, and lets the mirror follow. When the store does not answer, it
 * goes on trying, and starts over with a snapshot.
 */
export class ClusterSession {
  readonly #parts: SessionParts
  readonly #end = new AbortController()
  #lease: string | null = null
  #connected = false
  #waiting: (() => void)[] = []
  #lastFailure: UnavailableError
  #running: Promise<void> = Promise.resolve()

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#lastFailure = this.#unreachable('it has not answered yet', null)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Stops; the host's record stays until its lease ends, so a quick restart is nothing to others. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  /** Resolves when the mirror follows the store. @throws UnavailableError when it does not within the time. */
  async connected(timeoutMs: number): Promise<void> {
    if (this.#connected) return
    const timeout = new AbortController()
    const arrived = new Promise<true>((resolve) => this.#waiting.push(() => resolve(true)))
    const outcome = await Promise.race([arrived, sleep(timeoutMs, false, { signal: timeout.signal })])
    timeout.abort()
    if (outcome) return
    throw this.#lastFailure
  }

  async #run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!this.#end.signal.aborted) {
      const round = new AbortController()
      const signal = AbortSignal.any([this.#end.signal, round.signal])
      try {
        await this.#announce()
        const revision = await this.#synchronise()
        pauseMs = FIRST_PAUSE_MS
        await Promise.race([this.#follow(revision, signal), this.#stayAlive(signal)])
      } catch (error) {
        this.#failed(error)
      } finally {
        round.abort()
      }
      await sleep(pauseMs, undefined, { signal: this.#end.signal, ref: false }).catch(() => {}) // Aborted: the loop ends.
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }

  /** Puts the host's record under a lease that lives. */
  async #announce(): Promise<void> {
    const { etcd, keys, options, host } = this.#parts
    const self = host()
    if (this.#lease === null || !(await etcd.keepAlive(this.#lease))) {
      this.#lease = await etcd.grant(options.ttlSeconds)
    }
    await etcd.transact({
      when: [],
      then: [{ put: keys.host(self.id), value: JSON.stringify(self), lease: this.#lease }],
    })
  }

  async #synchronise(): Promise<number> {
    const { etcd, keys, mirror, log, settle } = this.#parts
    const { found, revision } = await etcd.list(keys.prefix)
    mirror.reset(found, revision)
    await settle()
    if (!this.#connected) log.info('the cluster store answers', { networks: mirror.networks.size })
    this.#connected = true
    for (const resolve of this.#waiting.splice(0)) resolve()
    return revision
  }

  async #follow(revision: number, signal: AbortSignal): Promise<void> {
    const { etcd, keys, mirror } = this.#parts
    const from = { prefix: keys.prefix, fromRevision: revision + 1, signal }
    for await (const batch of watchPrefix(etcd, from)) mirror.apply(batch)
  }

  /** Returns when another server answers now: the one that is watched may be cut off without a word. */
  async #stayAlive(signal: AbortSignal): Promise<void> {
    const { etcd, options, settle } = this.#parts
    const { server } = etcd
    for (;;) {
      await sleep(options.heartbeatSeconds * 1000, undefined, { signal, ref: false })
      if (this.#lease !== null && !(await etcd.keepAlive(this.#lease)))
        throw new Error('the lease of this host has ended')
      if (etcd.server !== server) return
      await settle()
    }
  }

  #failed(error: unknown): void {
    this.#lastFailure = error instanceof UnavailableError ? error : this.#unreachable(messageOf(error), error)
    if (this.#end.signal.aborted) return
    if (this.#connected)
      this.#parts.log.warn('the cluster store does not answer', { reason: messageOf(error) })
    this.#connected = false
  }

  #unreachable(reason: string, cause: unknown): UnavailableError {
    const servers = this.#parts.options.etcd.endpoints.join(', ')
    return new UnavailableError(`cannot reach the cluster store at ${servers}: ${reason}`, { cause })
  }
}
