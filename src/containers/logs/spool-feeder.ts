import { watch, type FSWatcher } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { errnoOf, messageOf } from '#errors/errors.ts'
import type { Logger } from '#base/logger.ts'
import { punchHole } from '#kernel/punch-hole.ts'
import type { SpoolConsumer } from './spool-consumer.ts'

const READ_BYTES = 256 * 1024
/** Used-up bytes of the spool are given back to the disk in pieces of this size. */
const FREE_BYTES = 4 * 1024 * 1024
/** After the first change others are likely at once: they are dealt with together. */
const SETTLE_MS = 20
/** A consumer that could not go on is asked again after this. */
const RETRY_MS = 1000
/** How long the end of the daemon waits for a sink that is being written to. */
const LAST_MS = 2000

/** A consumer and what it does now: each takes at its own pace. */
interface Pump {
  readonly consumer: SpoolConsumer
  running: Promise<void> | null
  again: boolean
  /** It could not take all. */
  waiting: boolean
}

/**
 * Feeds the log drivers of one container from its spool, while the container runs and after, until all is taken. The
 * spool only grows; what all have taken is freed by punching holes, so that offsets stay what they are.
 */
export class SpoolFeeder {
  readonly #path: string
  readonly #pumps: readonly Pump[]
  readonly #logger: Logger
  readonly #onIdle: () => void
  readonly #growth = new Set<() => void>()
  #handle: FileHandle | null = null
  #watcher: FSWatcher | null = null
  #timer: NodeJS.Timeout | null = null
  #opened: Promise<boolean> | null = null
  #freedBytes = 0
  #closed = false
  /** The run is over: nothing more is written. */
  #ends = false
  /** The run is over, but a consumer is still to take its rest. */
  #lingers = false

  /** @param options.onIdle called when the rest of an ended run was taken late */
  constructor(
    path: string,
    options: { consumers: readonly SpoolConsumer[]; logger: Logger; onIdle?: () => void },
  ) {
    this.#path = path
    this.#onIdle = options.onIdle ?? (() => {})
    this.#pumps = options.consumers.map((consumer) => ({
      consumer,
      running: null,
      again: false,
      waiting: false,
    }))
    this.#logger = options.logger
  }

  /** True when nothing more will be written for readers. */
  get isClosed(): boolean {
    return this.#closed || this.#lingers
  }

  /** True while readers were given nothing: the container has written no line yet. */
  get isSilent(): boolean {
    return this.#pumps.every(({ consumer }) => consumer.doneBytes === 0)
  }

  /** True while somebody follows what is written. */
  get hasReaders(): boolean {
    return this.#growth.size > 0
  }

  /** Follows the spool as it grows. */
  start(): void {
    if (this.#watcher !== null || this.#closed) return
    this.#lingers = false
    this.#ends = false
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => this.#schedule(SETTLE_MS))
      this.#watcher.on('error', () => this.#schedule(RETRY_MS))
    } catch (error) {
      this.#logger.warn('watch a log', { path: this.#path, error: messageOf(error) })
    }
    this.#schedule(SETTLE_MS)
  }

  /** Offers all that is in the spool to everyone; resolves when readers have it. Sinks are not waited for. */
  async flush(): Promise<void> {
    const running = this.#pumps.map((pump) => ({ pump, done: this.#pump(pump) }))
    await Promise.all(running.filter(({ pump }) => pump.consumer.isPrompt).map(({ done }) => done))
  }

  /** Calls back when something was written for readers. Returns how to stop it. */
  onGrowth(listener: () => void): () => void {
    this.#growth.add(listener)
    return () => this.#growth.delete(listener)
  }

  /**
   * The run is over: takes the rest and lets go of the files. False when a sink has not taken all yet, because it is slow or down:
   * then it goes on by itself, until all is taken or `abandon`.
   */
  async finish(): Promise<boolean> {
    this.#stop()
    this.#ends = true
    await this.flush()
    if (this.#closed) return true
    if (this.#pumps.some((pump) => pump.running !== null || pump.waiting)) {
      this.#lingers = true
      for (const listener of this.#growth) listener()
      void this.#takeRest()
      return false
    }
    await this.#close()
    return true
  }

  /** Lets go without taking the rest: the daemon ends, or the container is gone. */
  async abandon(): Promise<void> {
    this.#stop()
    this.#closed = true
    await Promise.race([this.#settled(), new Promise((resolve) => setTimeout(resolve, LAST_MS).unref())])
    await this.#close()
  }

  #stop(): void {
    this.#watcher?.close()
    this.#watcher = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #close(): Promise<void> {
    this.#closed = true
    this.#lingers = false
    await Promise.all(this.#pumps.map(({ consumer }) => consumer.close()))
    await this.#handle?.close()
    this.#handle = null
    for (const listener of this.#growth) listener()
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== null || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      if (this.#lingers) void this.#takeRest()
      else void this.flush()
    }, delayMs)
    this.#timer.unref()
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#pumps.flatMap(({ running }) => (running === null ? [] : [running])))
  }

  async #takeRest(): Promise<void> {
    await this.flush()
    await this.#settled()
    if (!this.#lingers || this.#closed) return
    if (this.#pumps.some(({ waiting }) => waiting)) {
      this.#schedule(RETRY_MS)
      return
    }
    await this.#close()
    this.#onIdle()
  }

  #pump(pump: Pump): Promise<void> {
    pump.again = true
    pump.running ??= this.#run(pump).finally(() => (pump.running = null))
    return pump.running
  }

  async #run(pump: Pump): Promise<void> {
    try {
      while (pump.again && !this.#closed) {
        pump.again = false
        if (!(await this.#openAll())) return
        pump.waiting = await this.#feed(pump.consumer)
        if (pump.waiting && this.#watcher !== null) this.#schedule(RETRY_MS)
        this.#free()
      }
    } catch (error) {
      this.#logger.error('write a log', { path: this.#path, error: messageOf(error) })
    }
  }

  /** False while there is no spool: the container never wrote. */
  async #openAll(): Promise<boolean> {
    this.#opened ??= this.#open()
    const isOpen = await this.#opened
    if (!isOpen) this.#opened = null
    return isOpen
  }

  async #open(): Promise<boolean> {
    try {
      this.#handle = await open(this.#path, 'r')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false
      throw error
    }
    await Promise.all(this.#pumps.map(({ consumer }) => consumer.open()))
    return true
  }

  /** True when the consumer could not take all. */
  async #feed(consumer: SpoolConsumer): Promise<boolean> {
    if (consumer.limit !== undefined) await consumer.limit((await this.#handle?.stat())?.size ?? 0)
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    let bytes = buffer
    while (!this.#closed) {
      const read = await this.#handle?.read(bytes, 0, bytes.length, consumer.doneBytes)
      const available = bytes.subarray(0, read?.bytesRead ?? 0)
      if (available.length === 0) return false
      const end = available.lastIndexOf(0x0a) + 1
      if (end === 0 && available.length === bytes.length) {
        // A line longer than the buffer: conmon cuts lines, so this is an odd one; read more of it.
        bytes = Buffer.allocUnsafe(bytes.length * 2)
        continue
      }
      if (end === 0) return false
      for (let at = 0; at < end && !this.#closed;) {
        // What ends with the spool ends with the run, when that is over.
        const isLast = available.length < bytes.length && end === available.length
        const taken = await consumer.take(available.subarray(at, end), { ends: this.#ends && isLast })
        // It may want to see more than is left of these bytes.
        if (taken === 0 && at > 0 && !isLast) break
        if (taken === 0) return true
        at += taken
        if (consumer.isPrompt) for (const listener of this.#growth) listener()
      }
      bytes = buffer
    }
    return false
  }

  #free(): void {
    const done = Math.min(...this.#pumps.map(({ consumer }) => consumer.doneBytes))
    const until = done - (done % FREE_BYTES)
    if (until <= this.#freedBytes) return
    try {
      punchHole(this.#path, { offsetBytes: this.#freedBytes, lengthBytes: until - this.#freedBytes })
    } catch (error) {
      // A file system without holes keeps the bytes until the container is removed.
      if (errnoOf(error) !== 'EOPNOTSUPP') throw error
    }
    this.#freedBytes = until
  }
}
