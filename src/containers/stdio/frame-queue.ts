import type { StdioFrame } from '#spec/docker/streams.ts'

/** Bytes that wait for a reader before the writer is asked to wait: as much as dockerd keeps for a client. */
const HIGH_WATER_BYTES = 1_000_000

/** Frames on their way to one reader. */
export class FrameQueue implements AsyncIterable<StdioFrame> {
  #frames: StdioFrame[] = []
  #bytes = 0
  #ended = false
  #wake: (() => void) | null = null
  #drained: PromiseWithResolvers<void> | null = null

  /** Adds a frame. Gives a promise when the writer should wait, and null when it may go on. */
  push(frame: StdioFrame): Promise<void> | null {
    if (this.#ended) return null
    this.#frames.push(frame)
    this.#bytes += frame.bytes.length
    this.#wake?.()
    if (this.#bytes < HIGH_WATER_BYTES) return null
    this.#drained ??= Promise.withResolvers()
    return this.#drained.promise
  }

  /** No more frames come; those that are here can still be read. */
  end(): void {
    this.#ended = true
    this.#wake?.()
    this.#release()
  }

  /** Ends, and drops what was not read. */
  abort(): void {
    this.#frames = []
    this.#bytes = 0
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StdioFrame> {
    try {
      for (;;) {
        const frames = this.#frames
        this.#frames = []
        this.#bytes = 0
        this.#release()
        yield* frames
        if (this.#frames.length > 0) continue
        if (this.#ended) return
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = null
      }
    } finally {
      this.abort()
    }
  }

  #release(): void {
    this.#drained?.resolve()
    this.#drained = null
  }
}
