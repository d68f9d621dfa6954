import type { EventMessage } from '#spec/docker/system.ts'
import type { EventsOptions } from '#spec/docker/options.ts'

/** An event as its maker knows it; the log of events adds the time and the scope. */
export interface NewEvent {
  readonly type: NonNullable<EventMessage['Type']>
  /** Docker's word: `create`, `start`, `die`, `exec_start: sh` … */
  readonly action: string
  /** The id (or name: volumes, image references) of what it happened to. */
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
}

/** Where areas tell what happened. Never throws, never waits. */
export interface EventSink {
  publish(event: NewEvent): void
}

/** The daemon's events: the newest are kept in memory (256, as dockerd), and followers are told of what comes. */
export interface Events extends EventSink {
  /**
   * Events from `since` (only what is still kept) up to `until`, filtered by Docker's filters; without `until` it
   * goes on until the signal aborts. What happens after this call is never missed, though nobody has asked yet.
   */
  subscribe(options: EventsOptions): AsyncIterable<EventMessage>
  /** The number of followers, for `/info`. */
  readonly listeners: number
}
