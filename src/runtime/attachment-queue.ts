import type { OutputChunk } from './runtime.ts'

/** What a client may be behind before the process it watches has to wait. */
const FULL_BYTES = 1024 * 1024

/** Output on its way to one client. */
export class AttachmentQueue implements AsyncIterable<OutputChunk> {
  readonly #onRoom: () => void
  #chunks: OutputChunk[] = []
  #bytes = 0
  #ended = false
  #wake: (() => void) | null = null

  /** @param onRoom called when a full queue has room again */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom
  }

  get isFull(): boolean {
    return this.#bytes >= FULL_BYTES
  }

  push(chunk: OutputChunk): void {
    if (this.#ended) return
    this.#chunks.push(chunk)
    this.#bytes += chunk.bytes.length
    this.#notify()
  }

  end(): void {
    this.#ended = true
    this.#notify()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<OutputChunk> {
    for (;;) {
      const chunks = joinAdjacent(this.#chunks)
      const wasFull = this.isFull
      this.#chunks = []
      this.#bytes = 0
      if (wasFull) this.#onRoom()
      yield* chunks
      if (this.#chunks.length > 0) continue
      if (this.#ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}

/** Fewer, larger chunks: each costs its reader a write. */
function joinAdjacent(chunks: readonly OutputChunk[]): readonly OutputChunk[] {
  const joined: OutputChunk[] = []
  for (let from = 0; from < chunks.length;) {
    const stream = (chunks[from] as OutputChunk).stream
    let to = from + 1
    while (to < chunks.length && chunks[to]?.stream === stream) to++
    const run = chunks.slice(from, to)
    joined.push(
      run.length === 1
        ? (run[0] as OutputChunk)
        : { stream, bytes: Buffer.concat(run.map((chunk) => chunk.bytes)) },
    )
    from = to
  }
  return joined
}
