import type { SpoolEntry } from './spool-lines.ts'

/** A line is told in parts of this size, as Docker does. */
const PART_BYTES = 16 * 1024

/** What one stream has of a line that has not ended. */
interface OpenLine {
  readonly time: string
  parts: Buffer[]
  sizeBytes: number
}

/**
 * Puts lines together again that conmon cut where its reads ended. A group begins with the first piece and ends when no stream has
 * an open line: what came between belongs to it, so that a cursor never stands inside a line.
 */
export class LineGroup {
  readonly #open = new Map<SpoolEntry['stream'], OpenLine>()
  #done: SpoolEntry[] = []

  /** Whether no line is open: what was added may be taken, and the cursor may be moved behind it. */
  get isWhole(): boolean {
    return this.#open.size === 0
  }

  /** Whether whole lines wait for an open one. */
  get holdsOthers(): boolean {
    return this.#done.length > 0
  }

  add(entry: SpoolEntry): void {
    const { stream, partial, content } = entry
    const line = this.#open.get(stream) ?? { time: entry.time, parts: [], sizeBytes: 0 }
    line.parts.push(content)
    line.sizeBytes += content.length
    if (partial) this.#open.set(stream, line)
    else this.#open.delete(stream)
    if (line.sizeBytes < PART_BYTES && partial) return
    let rest = Buffer.concat(line.parts)
    for (; rest.length >= PART_BYTES; rest = rest.subarray(PART_BYTES)) {
      this.#done.push({ time: line.time, stream, partial: true, content: rest.subarray(0, PART_BYTES) })
    }
    line.parts = [rest]
    line.sizeBytes = rest.length
    if (!partial) this.#done.push({ time: line.time, stream, partial: false, content: rest })
  }

  /** The lines in order of their ends. Those that are open become parts when `all`, else they stay. */
  take(options: { readonly all: boolean }): readonly SpoolEntry[] {
    const done = this.#done
    this.#done = []
    if (options.all) {
      for (const [stream, { time, parts, sizeBytes }] of this.#open) {
        if (sizeBytes > 0) done.push({ time, stream, partial: true, content: Buffer.concat(parts) })
      }
      this.#open.clear()
    }
    return done
  }
}

/** Lines of other streams wait so long for an open line. */
const WAIT_MS = 1_000
/** And so many bytes. */
const WAIT_BYTES = 64 * 1024

/** Decides when an open line is told before it has ended: an open line waits for its end, but does not hold up others. */
export class OpenLinePatience {
  #sinceMs: number | null = null

  /** The cursor moved, or nothing waits. */
  reset(): void {
    this.#sinceMs = null
  }

  /** @param of.ends nothing more will come */
  isOver(
    group: LineGroup,
    of: { readonly bytes: number; readonly ends: boolean; readonly isBlocked: boolean },
  ): boolean {
    if (group.isWhole) return false
    if (of.ends || of.bytes >= WAIT_BYTES) return true
    if (!group.holdsOthers || !of.isBlocked) return false
    this.#sinceMs ??= Date.now()
    return Date.now() - this.#sinceMs >= WAIT_MS
  }
}
