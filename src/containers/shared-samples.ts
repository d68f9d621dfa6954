/** A sample serves those who ask within this time of it; who asks each second never gets one twice. */
const SHARED_MS = 500

/** A sample, and how long ago it was taken. */
export interface Sample<T> {
  readonly value: T
  readonly ageMs: number
}

/** Samples of things by id, each taken once for all who ask at about the same time: a hundred streams cost what one does. */
export class SharedSamples<T> {
  readonly #read: (id: string) => Promise<T>
  readonly #latest = new Map<string, { readonly takenMs: number; readonly value: Promise<T> }>()

  constructor(read: (id: string) => Promise<T>) {
    this.#read = read
  }

  /** A sample that is no older than half a second. @throws what reading throws */
  async take(id: string): Promise<Sample<T>> {
    const latest = this.#latest.get(id) ?? this.#begin(id)
    const value = await latest.value
    return { value, ageMs: performance.now() - latest.takenMs }
  }

  #begin(id: string): { readonly takenMs: number; readonly value: Promise<T> } {
    const begun = { takenMs: performance.now(), value: this.#read(id) }
    this.#latest.set(id, begun)
    const forget = (): void => {
      if (this.#latest.get(id) === begun) this.#latest.delete(id)
    }
    begun.value.catch(forget)
    setTimeout(forget, SHARED_MS).unref()
    return begun
  }
}
