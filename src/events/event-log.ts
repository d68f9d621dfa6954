import { nowNs } from '#base/wall-clock.ts'
import type { EventsOptions } from '#spec/docker/options.ts'
import type { EventMessage } from '#spec/docker/system.ts'
import { eventMatches } from './event-filters.ts'
import type { Events, NewEvent } from './events.ts'

/** As many as dockerd keeps. */
const KEPT_EVENTS = 256

/** Events that wait for a follower that does not read: beyond this it is let go, rather than the memory of all. */
const FOLLOWER_LIMIT = 8192

interface Stamped {
  readonly ns: bigint
  readonly message: EventMessage
}

/** Makes the daemon's events, kept in memory: they end with the daemon, as dockerd's do. */
export function createEvents(): Events {
  return new EventLog()
}

class EventLog implements Events {
  readonly #kept: Stamped[] = []
  readonly #followers = new Set<Follower>()
  #lastNs = 0n

  get listeners(): number {
    return this.#followers.size
  }

  publish(event: NewEvent): void {
    const ns = this.#nextNs()
    const message: EventMessage = {
      Type: event.type,
      Action: event.action,
      Actor: { ID: event.id, Attributes: event.attributes },
      scope: 'local',
      time: Number(ns / 1_000_000_000n),
      // JSON numbers cannot hold it exactly; clients that need the order use the order of the stream.
      timeNano: Number(ns),
    }
    this.#kept.push({ ns, message })
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift()
    for (const follower of this.#followers) follower.push({ ns, message })
  }

  subscribe(options: EventsOptions): AsyncIterable<EventMessage> {
    const { since, until, filters, signal } = options
    const follower = new Follower(filters)
    // Without `since` only what comes is told, as dockerd does; `until` alone asks for what was.
    if (since !== null || until !== null) {
      for (const event of this.#kept) {
        if (since !== null && event.ns < since) continue
        if (until !== null && event.ns > until) continue
        follower.push(event)
      }
    }
    const remainingMs = until === null ? Infinity : Number(until / 1_000_000n) - Date.now()
    if (remainingMs <= 0 || signal.aborted) {
      follower.end()
      return follower
    }
    const leave = (): void => {
      this.#followers.delete(follower)
      follower.end()
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    }
    // setTimeout holds 2^31 ms; nobody follows for longer.
    const timer = remainingMs === Infinity ? undefined : setTimeout(leave, Math.min(remainingMs, 2 ** 31 - 1))
    signal.addEventListener('abort', leave)
    follower.onEnd = leave
    this.#followers.add(follower)
    return follower
  }

  /** The wall clock in nanoseconds, always later than the last event: their order is their time's order. */
  #nextNs(): bigint {
    const now = nowNs()
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n
    return this.#lastNs
  }
}

class Follower implements AsyncIterable<EventMessage> {
  readonly #filters: EventsOptions['filters']
  #waiting: EventMessage[] = []
  #ended = false
  #wake: (() => void) | null = null
  onEnd: () => void = () => {}

  constructor(filters: EventsOptions['filters']) {
    this.#filters = filters
  }

  push({ message }: Stamped): void {
    if (this.#ended || !eventMatches(message, this.#filters)) return
    this.#waiting.push(message)
    if (this.#waiting.length > FOLLOWER_LIMIT) this.onEnd()
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventMessage> {
    try {
      for (;;) {
        const batch = this.#waiting
        this.#waiting = []
        yield* batch
        if (this.#waiting.length > 0) continue
        if (this.#ended) return
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = null
      }
    } finally {
      this.onEnd()
    }
  }
}
