import type { StdioFrame } from '#spec/docker/streams.ts'
import type { Attachment } from '#runtime/runtime.ts'
import { FrameQueue } from './frame-queue.ts'

/** What a session wants to see. */
export interface HubReader {
  readonly stdout: boolean
  readonly stderr: boolean
}

/**
 * The standard streams of one container, shared by its clients. Clients may come before the container starts: then
 * nothing is missed. There is one connection to the monitor however many clients there are, and none without clients.
 */
export class StdioHub {
  readonly #connect: () => Promise<Attachment>
  readonly #release: () => void
  readonly #queues = new Map<FrameQueue, HubReader>()
  #attachment: Promise<Attachment> | null = null
  /** Becomes true when the container's process exists. */
  #live: boolean
  #started: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(options: { live: boolean; connect: () => Promise<Attachment>; release: () => void }) {
    this.#live = options.live
    this.#connect = options.connect
    this.#release = options.release
    if (this.#live) this.#started.resolve()
  }

  /** True while somebody listens. */
  get hasReaders(): boolean {
    return this.#queues.size > 0
  }

  /** The process has been made and will run when this resolves: connects for those who wait. */
  async goLive(): Promise<void> {
    this.#live = true
    if (this.#queues.size > 0) await this.#connected()
    this.#started.resolve()
  }

  /** Joins; frames flow from now on, or from the container's start. */
  async join(reader: HubReader): Promise<FrameQueue> {
    const queue = new FrameQueue()
    this.#queues.set(queue, reader)
    if (this.#live) {
      try {
        await this.#connected()
      } catch (error) {
        this.leave(queue)
        throw error
      }
    }
    return queue
  }

  /** Leaves; its frames end. */
  leave(queue: FrameQueue): void {
    queue.end()
    this.#queues.delete(queue)
    if (this.#queues.size > 0) return
    void this.#attachment?.then(
      (attachment) => attachment[Symbol.dispose](),
      () => {},
    )
    this.#attachment = null
    this.#release()
  }

  /** Writes to stdin, as soon as there is a process. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#started.promise
    const attachment = await this.#attachment
    await attachment?.write(bytes)
  }

  /** A client's stdin has ended; closes the process' where the container was made so. */
  async endStdin(): Promise<void> {
    await this.#started.promise
    const attachment = await this.#attachment
    attachment?.endStdin()
  }

  /** The container has ended or could not start. Readers see the rest of the output first. */
  async finish(): Promise<void> {
    this.#started.resolve()
    if (this.#attachment !== null) return
    for (const queue of this.#queues.keys()) queue.end()
    this.#queues.clear()
    this.#release()
  }

  async #connected(): Promise<void> {
    if (this.#attachment === null) {
      const attachment = this.#connect()
      this.#attachment = attachment
      attachment.then(
        (connection) => void this.#pump(connection),
        () => {
          if (this.#attachment === attachment) this.#attachment = null
        },
      )
    }
    await this.#attachment
  }

  async #pump(attachment: Attachment): Promise<void> {
    try {
      for await (const chunk of attachment.output) {
        const waits: Promise<void>[] = []
        for (const [queue, reader] of this.#queues) {
          if (!reader[chunk.stream]) continue
          const wait = queue.push(chunk satisfies StdioFrame)
          if (wait !== null) waits.push(wait)
        }
        if (waits.length > 0) await Promise.all(waits)
      }
    } finally {
      attachment[Symbol.dispose]()
      for (const queue of this.#queues.keys()) queue.end()
      this.#queues.clear()
      this.#attachment = null
      this.#release()
    }
  }
}

/** The hubs of the containers that have clients or may get them. */
export class StdioHubs {
  readonly #hubs = new Map<string, StdioHub>()
  readonly #attach: (id: string) => Promise<Attachment>

  constructor(attach: (id: string) => Promise<Attachment>) {
    this.#attach = attach
  }

  /** The hub of a container, made when there is none. */
  open(id: string, options: { readonly live: boolean }): StdioHub {
    const existing = this.#hubs.get(id)
    if (existing !== undefined) return existing
    const hub = new StdioHub({
      live: options.live,
      connect: () => this.#attach(id),
      release: () => {
        if (this.#hubs.get(id) === hub) this.#hubs.delete(id)
      },
    })
    this.#hubs.set(id, hub)
    return hub
  }

  /** The hub that clients have opened, or null. */
  find(id: string): StdioHub | null {
    return this.#hubs.get(id) ?? null
  }

  /** The container's run is over; a later start has a hub of its own. */
  finish(id: string): void {
    const hub = this.#hubs.get(id)
    this.#hubs.delete(id)
    void hub?.finish()
  }
}
