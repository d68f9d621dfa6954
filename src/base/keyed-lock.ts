/** Serialises work by key: work under one key runs one at a time, in order of arrival; other keys run freely. */
export class KeyedLock<Key = string> {
  readonly #tails = new Map<Key, Promise<void>>()

  /** Runs `work` when all earlier work under `key` has ended; its result or its error is the caller's. */
  async run<T>(key: Key, work: () => Promise<T> | T): Promise<T> {
    using _held = await this.acquire(key)
    return await work()
  }

  /** Waits for the key and holds it until the result is disposed of. */
  async acquire(key: Key): Promise<Disposable> {
    const before = this.#tails.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    const tail = before === undefined ? promise : before.then(() => promise)
    this.#tails.set(key, tail)
    if (before !== undefined) await before
    return {
      [Symbol.dispose]: () => {
        resolve()
        if (this.#tails.get(key) === tail) this.#tails.delete(key)
      },
    }
  }

  /** Tells whether work under the key is running or waiting. */
  isHeld(key: Key): boolean {
    return this.#tails.has(key)
  }
}
