import type { Digest } from '#base/digest.ts'

/**
 * Layers and blobs that work under way relies on though no image names them yet. Held in memory: work does not
 * outlive the daemon, and what it left is garbage then.
 */
export class ContentHolds {
  readonly #layers = new Map<Digest, number>()
  readonly #blobs = new Map<Digest, number>()
  readonly #onIdle: () => void
  #everything = 0
  #wasAsked = false

  /** `onIdle` is called when collection was held up by `holdAll` and need not wait any longer. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  /** Keeps these layers until disposed of. */
  hold(diffIds: readonly Digest[]): Disposable {
    return count(this.#layers, diffIds)
  }

  /** Keeps these blobs until disposed of. */
  holdBlobs(digests: readonly Digest[]): Disposable {
    return count(this.#blobs, digests)
  }

  /** Keeps all there is or will be until disposed of: for work that learns digests as it goes. */
  holdAll(): Disposable {
    this.#everything += 1
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return
        isHeld = false
        this.#everything -= 1
        if (this.#everything > 0 || !this.#wasAsked) return
        this.#wasAsked = false
        this.#onIdle()
      },
    }
  }

  layers(): Iterable<Digest> {
    return this.#layers.keys()
  }

  blobs(): Iterable<Digest> {
    return this.#blobs.keys()
  }

  /** Asked by the collection before it begins. */
  isBusy(): boolean {
    if (this.#everything > 0) this.#wasAsked = true
    return this.#everything > 0
  }
}

function count(holders: Map<Digest, number>, digests: readonly Digest[]): Disposable {
  for (const digest of digests) holders.set(digest, (holders.get(digest) ?? 0) + 1)
  let isHeld = true
  return {
    [Symbol.dispose]() {
      if (!isHeld) return
      isHeld = false
      for (const digest of digests) {
        const left = (holders.get(digest) ?? 1) - 1
        if (left === 0) holders.delete(digest)
        else holders.set(digest, left)
      }
    },
  }
}
