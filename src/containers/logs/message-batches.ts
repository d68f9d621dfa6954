import { utcTime } from './json-encoder.ts'
import { LineGroup, OpenLinePatience } from './line-group.ts'
import type { LogMessage } from './log-driver.ts'
import { parseEntry } from './spool-lines.ts'

/** A sink is offered so many messages at a time, or a few more. */
export const BATCH_MESSAGES = 512

export interface MessageBatch {
  readonly messages: readonly LogMessage[]
  /** Where in the bytes the cursor may stand when so many messages were taken; messages of one group end together. */
  readonly ends: readonly number[]
  readonly consumed: number
}

/** Cuts a spool into messages for sinks. */
export class MessageBatches {
  readonly #patience = new OpenLinePatience()

  /** The next messages in the bytes. @param options.ends nothing will follow the bytes */
  next(bytes: Buffer, options: { readonly ends: boolean }): MessageBatch {
    const messages: LogMessage[] = []
    const ends: number[] = []
    const group = new LineGroup()
    let consumed = 0
    let end = 0
    const take = (all: boolean): void => {
      const before = messages.length
      for (const { time, stream, content, partial } of group.take({ all })) {
        messages.push({ time: utcTime(time), stream, partial, content: Buffer.from(content) })
        ends.push(consumed)
      }
      // All but the last of a group leave the cursor where the group began.
      if (messages.length > before) ends[messages.length - 1] = end
      consumed = end
    }
    for (
      let newline = bytes.indexOf(0x0a);
      newline >= 0 && messages.length < BATCH_MESSAGES;
      newline = bytes.indexOf(0x0a, end)
    ) {
      const entry = parseEntry(bytes.subarray(end, newline))
      end = newline + 1
      if (entry !== null) group.add(entry)
      const isOver = this.#patience.isOver(group, { bytes: end - consumed, ends: false, isBlocked: false })
      if (group.isWhole || isOver) take(isOver)
    }
    const patience = { bytes: end - consumed, ends: options.ends, isBlocked: consumed === 0 }
    if (this.#patience.isOver(group, patience)) take(true)
    if (consumed > 0) this.#patience.reset()
    return { messages, ends, consumed }
  }
}
