/** Keeps the end of what many writers write, and whose it was. */
export class OutputLog {
  readonly #maxBytes: number
  readonly #chunks: { readonly writer: object; readonly bytes: Buffer }[] = []
  #first = 0
  #sizeBytes = 0
  #isCut = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(writer: object, bytes: Uint8Array): void {
    const kept = Buffer.from(bytes.subarray(-this.#maxBytes))
    this.#chunks.push({ writer, bytes: kept })
    this.#sizeBytes += kept.length
    while (this.#sizeBytes > this.#maxBytes) {
      this.#sizeBytes -= this.#chunks[this.#first]!.bytes.length
      this.#first += 1
      this.#isCut = true
    }
    // Dropped in bulk: moving the rest for each chunk would cost more than the chunk.
    if (this.#first > 1_000) {
      this.#chunks.splice(0, this.#first)
      this.#first = 0
    }
  }

  /** Whether the beginning is no longer there. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** What is kept, by writer. */
  texts(): ReadonlyMap<object, string> {
    const own = Map.groupBy(this.#chunks.slice(this.#first), ({ writer }) => writer)
    const text = (chunks: readonly { readonly bytes: Buffer }[]): string =>
      Buffer.concat(chunks.map(({ bytes }) => bytes)).toString('utf8')
    return new Map([...own].map(([writer, chunks]) => [writer, text(chunks)]))
  }
}
