import { failpoint } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import type { ContainerRecord } from '../records.ts'
import { CursorFile } from './cursor-file.ts'
import type { LogSink } from './log-driver.ts'
import { MessageBatches } from './message-batches.ts'
import type { SpoolConsumer } from './spool-consumer.ts'

/** The first wait after a failure; doubled up to the longest. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000

/** Makes the sinks of drivers beside the files: syslog, journald … Null for drivers that only write files. */
export type SinkFactory = (record: ContainerRecord) => SpoolConsumer | null

/**
 * Sends the spool's lines to a sink. A sink that is down is asked again later, from the noted place, also by the next
 * daemon; the container is never held up. When more than the bound is waiting, the oldest is given up and that is logged.
 */
export class SinkConsumer implements SpoolConsumer {
  readonly isPrompt = false
  readonly #sink: LogSink
  readonly #cursor: CursorFile
  readonly #boundBytes: number
  readonly #logger: Logger
  readonly #batches = new MessageBatches()
  #doneBytes = 0
  #waitMs = 0
  #retryAtMs = 0

  constructor(
    sink: LogSink,
    options: { readonly cursorPath: string; readonly boundBytes: number; readonly logger: Logger },
  ) {
    this.#sink = sink
    this.#cursor = new CursorFile(options.cursorPath)
    this.#boundBytes = options.boundBytes
    this.#logger = options.logger
  }

  get doneBytes(): number {
    return this.#doneBytes
  }

  async open(): Promise<void> {
    this.#doneBytes = (await this.#cursor.read()).spoolBytes
  }

  /** Tells how much there is in all: what is too far behind is given up. */
  async limit(spoolBytes: number): Promise<void> {
    const lost = spoolBytes - this.#doneBytes - this.#boundBytes
    if (lost <= 0) return
    this.#logger.warn('log sink is too far behind: lines were given up', { bytes: lost })
    // The place is in the middle of a line: what is left of that line is none of conmon's, and skipped.
    this.#doneBytes += lost
    await this.#note()
  }

  async take(bytes: Buffer, options: { readonly ends: boolean }): Promise<number> {
    if (Date.now() < this.#retryAtMs) return 0
    const { messages, ends, consumed } = this.#batches.next(bytes, options)
    if (consumed === 0) return 0
    let taken = consumed
    try {
      const count = messages.length === 0 ? 0 : await this.#sink.send(messages)
      if (typeof count === 'number' && count < messages.length) {
        taken = count === 0 ? 0 : (ends[count - 1] ?? 0)
      }
    } catch (error) {
      this.#waitMs = Math.min(Math.max(FIRST_WAIT_MS, this.#waitMs * 2), LONGEST_WAIT_MS)
      this.#retryAtMs = Date.now() + this.#waitMs
      if (this.#waitMs === FIRST_WAIT_MS) this.#logger.warn('send log lines', { error: messageOf(error) })
      return 0
    }
    this.#waitMs = 0
    if (taken === 0) return 0
    await failpoint('containers.logs.sent')
    this.#doneBytes += taken
    await this.#note()
    return taken
  }

  async close(): Promise<void> {
    await this.#sink.close().catch(() => {})
    await this.#cursor.close()
  }

  async #note(): Promise<void> {
    await this.#cursor.write({ spoolBytes: this.#doneBytes, fileBytes: 0 })
  }
}
