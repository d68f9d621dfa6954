import type { Digest } from '#base/digest.ts'

/**
 * What work under way keeps from garbage collection though no record names it yet. Held in memory: the work does not
 * outlive the daemon either, and what it left is garbage then.
 */
export interface Lease extends Disposable, AsyncDisposable {
  /** Keeps these layers, stored or still to come, until the lease is disposed of. */
  hold(diffIds: readonly Digest[]): Promise<void>
  /** Keeps these blobs. */
  holdBlobs(digests: readonly Digest[]): void
}

/** A lease as `wharf system check` shows it. */
export interface LeaseInfo {
  readonly description: string
  readonly since: Date
  readonly layers: readonly Digest[]
  readonly blobs: readonly Digest[]
}

export interface Leases {
  /** Opens a lease. @param description what for, for people: `build /src` */
  take(description: string): Promise<Lease>
  /** As `take`, at once. */
  open(description: string): Lease
  list(): readonly LeaseInfo[]
  layers(): Iterable<Digest>
  blobs(): Iterable<Digest>
}

export function createLeases(): Leases {
  return new MemoryLeases()
}

class MemoryLeases implements Leases {
  readonly #open = new Set<MemoryLease>()

  take(description: string): Promise<Lease> {
    return Promise.resolve(this.open(description))
  }

  open(description: string): Lease {
    const lease = new MemoryLease(description, () => this.#open.delete(lease))
    this.#open.add(lease)
    return lease
  }

  list(): readonly LeaseInfo[] {
    return [...this.#open].map(({ description, since, heldLayers, heldBlobs }) => ({
      description,
      since,
      layers: [...heldLayers],
      blobs: [...heldBlobs],
    }))
  }

  *layers(): Generator<Digest> {
    for (const lease of this.#open) yield* lease.heldLayers
  }

  *blobs(): Generator<Digest> {
    for (const lease of this.#open) yield* lease.heldBlobs
  }
}

class MemoryLease implements Lease {
  readonly description: string
  readonly since: Date = new Date()
  readonly heldLayers = new Set<Digest>()
  readonly heldBlobs = new Set<Digest>()
  readonly #end: () => void

  constructor(description: string, end: () => void) {
    this.description = description
    this.#end = end
  }

  hold(diffIds: readonly Digest[]): Promise<void> {
    for (const diffId of diffIds) this.heldLayers.add(diffId)
    return Promise.resolve()
  }

  holdBlobs(digests: readonly Digest[]): void {
    for (const digest of digests) this.heldBlobs.add(digest)
  }

  [Symbol.dispose](): void {
    this.#end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end()
    return Promise.resolve()
  }
}
