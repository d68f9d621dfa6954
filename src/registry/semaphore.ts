/** Lets a number of holders in at once, the others in order of arrival. */
export class Semaphore {
  #places: number
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#places = places
    this.#free = places
  }

  /** Changes the number of places; who is in stays in. */
  resize(places: number): void {
    this.#free += places - this.#places
    this.#places = places
    while (this.#free > 0 && this.#waiting.length > 0) {
      this.#free -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Whether a holder would have to wait now. */
  get isFull(): boolean {
    return this.#free <= 0
  }

  /** Waits for a place; it is given back when the result is disposed of. @throws the signal's reason. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#wait(signal)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#leave()
      },
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const admit = (): void => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    }
    const giveUp = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(admit), 1)
      reject(signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    this.#waiting.push(admit)
    return promise
  }

  #leave(): void {
    this.#free += 1
    if (this.#free <= 0) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#free -= 1
    next()
  }
}
