/**
 * Remembers what has just come into being until whoever made it had the chance to say that it is needed: `begin` while
 * it is made; it is forgotten only after the promises that wait for the maker have run.
 */
export class Arrivals<Key = string> {
  readonly #counts = new Map<Key, number>()

  /** The key is arriving until shortly after the result is disposed of. */
  begin(key: Key): Disposable {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    return { [Symbol.dispose]: () => void setImmediate(() => this.#end(key)) }
  }

  has(key: Key): boolean {
    return this.#counts.has(key)
  }

  #end(key: Key): void {
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left === 0) this.#counts.delete(key)
    else this.#counts.set(key, left)
  }
}
