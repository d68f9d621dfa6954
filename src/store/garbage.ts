import type { Digest } from '#base/digest.ts'
import { failpointSync } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import type { Blobs } from './blobs.ts'

/** Who names layers and blobs that must stay. All calls are synchronous and happen in one turn of the event loop. */
export interface GarbageRoots {
  layers(): Iterable<Digest>
  blobs(): Iterable<Digest>
  /** While true nothing is collected: work under way learns digests as it goes. Its end calls `schedule`. */
  isBusy?(): boolean
  /** What is named here is named for a while only, by a user and no record of its own (see `released`). */
  readonly isTransient?: boolean
}

/** The layers as the collection sees them (`images/layers/layers.ts`). */
export interface CollectableLayers {
  list(): readonly { readonly diffId: Digest; readonly sizeBytes: number }[]
  /** Was stored in this turn: whoever stored it has had no chance to hold it. */
  isArriving(diffId: Digest): boolean
  /** From the call on nobody finds the layer. */
  remove(diffId: Digest): Promise<void>
}

/** What one collection removed. */
export interface Collected {
  readonly layers: readonly Digest[]
  readonly blobs: readonly Digest[]
  readonly freedBytes: number
}

export interface GarbageCollectionOptions {
  readonly layers: CollectableLayers
  readonly blobs: Blobs
  readonly roots: readonly GarbageRoots[]
  readonly log: Logger
}

/** Removes layers and blobs that nobody names. See docs/dev/garbage-collection.md. */
export interface GarbageCollection {
  /** Collects now; a call during a collection waits for the next one. Nothing is collected while a root is busy. */
  collect(): Promise<Collected>
  /** Collects soon, in the background; errors are logged. */
  schedule(): void
  /**
   * A transient root no longer names these layers. Collects soon if that is all that kept one of them from the last
   * collection; costs nothing else, so it may be said at every removal of a container.
   */
  released(layers: Iterable<Digest>): void
  /** Waits for the collection under way, if any. */
  settled(): Promise<void>
}

export function createGarbageCollection(options: GarbageCollectionOptions): GarbageCollection {
  return new MarkAndSweep(options)
}

const NOTHING: Collected = { layers: [], blobs: [], freedBytes: 0 }

class MarkAndSweep implements GarbageCollection {
  readonly #options: GarbageCollectionOptions
  #running: Promise<Collected> = Promise.resolve(NOTHING)
  #isScheduled = false
  /** Layers that the last collection left for the sake of transient roots alone. */
  #heldBack = new Set<Digest>()

  constructor(options: GarbageCollectionOptions) {
    this.#options = options
  }

  collect(): Promise<Collected> {
    const run = (): Promise<Collected> => this.#collect()
    this.#running = this.#running.then(run, run)
    return this.#running
  }

  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.collect().catch((error: unknown) =>
        this.#options.log.warn('garbage collection failed', { error: messageOf(error) }),
      )
    })
  }

  released(layers: Iterable<Digest>): void {
    for (const layer of layers) {
      if (!this.#heldBack.has(layer)) continue
      this.schedule()
      return
    }
  }

  async settled(): Promise<void> {
    await this.#running.catch(() => NOTHING)
  }

  async #collect(): Promise<Collected> {
    const { layers, blobs, roots } = this.#options
    const candidates = await blobs.list()
    // From here to the removals' beginning nothing waits: nobody can come to rely on what was not marked.
    if (roots.some((root) => root.isBusy?.() === true)) return NOTHING
    const keptLayers = union(roots, (root) => root.layers())
    const keptBlobs = union(roots, (root) => root.blobs())
    const named = union(
      roots.filter((root) => root.isTransient !== true),
      (root) => root.layers(),
    )
    this.#heldBack = new Set([...keptLayers].filter((layer) => !named.has(layer)))
    const doomedLayers = layers
      .list()
      .filter(({ diffId }) => !keptLayers.has(diffId) && !layers.isArriving(diffId))
    const doomedBlobs = candidates.filter(
      (digest) => !keptBlobs.has(digest) && !blobs.isArriving(digest) && blobs.has(digest),
    )
    const freedBytes =
      doomedLayers.reduce((sum, layer) => sum + layer.sizeBytes, 0) +
      doomedBlobs.reduce((sum, digest) => sum + blobs.size(digest), 0)
    if (doomedLayers.length + doomedBlobs.length > 0) failpointSync('store.garbage.before-sweep')
    await Promise.all([
      ...doomedLayers.map(({ diffId }) => layers.remove(diffId)),
      ...doomedBlobs.map((digest) => blobs.remove(digest)),
    ])
    return { layers: doomedLayers.map(({ diffId }) => diffId), blobs: doomedBlobs, freedBytes }
  }
}

function union(roots: readonly GarbageRoots[], of: (root: GarbageRoots) => Iterable<Digest>): Set<Digest> {
  const all = new Set<Digest>()
  for (const root of roots) for (const digest of of(root)) all.add(digest)
  return all
}
