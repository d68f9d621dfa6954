import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '#base/digest.ts'
import { messageOf } from '#errors/errors.ts'
import type { Blobs } from '#store/blobs.ts'
import type { GarbageRoots } from '#store/garbage.ts'
import type { LayerSource } from './layers/layers.ts'
import type { LayerStore } from './layers/layer-store.ts'
import type { SnapshotStore } from './snapshot-store.ts'
import type { WorkerPool } from './worker/worker-pool.ts'

/** Something that is not as the records say. */
export interface StorageProblem {
  readonly kind: 'layer' | 'blob' | 'snapshot' | 'stray'
  /** A digest, a snapshot's id or a file's name. */
  readonly subject: string
  readonly detail: string
  readonly repaired: boolean
}

export interface StorageCheckParts {
  readonly layers: LayerStore
  readonly snapshots: SnapshotStore
  readonly blobs: Blobs
  readonly workers: WorkerPool
  readonly roots: readonly GarbageRoots[]
  /** Compressed blobs that hold a layer, to make it again from. */
  blobsOf(diffId: Digest): readonly Digest[]
}

export interface StorageCheckOptions {
  /** Mend what can be mended without loss: make indexes and layers again, forget damaged copies, remove strays. */
  readonly repair: boolean
  readonly signal?: AbortSignal
  /** Told what is looked at next. */
  onProgress?(what: string): void
}

/**
 * Re-derives everything that can be from the bytes on disk: the digest of each blob and layer, the index of each layer
 * from its tar, that everything named is stored, that everything stored is named or known. Reads all of it.
 */
export async function checkStorage(
  parts: StorageCheckParts,
  options: StorageCheckOptions,
): Promise<StorageProblem[]> {
  const check = new Check(parts, options)
  await check.blobs()
  await check.layers()
  await check.missingLayers()
  await check.snapshots()
  await check.strays()
  return check.problems
}

class Check {
  readonly problems: StorageProblem[] = []
  readonly #parts: StorageCheckParts
  readonly #options: StorageCheckOptions

  constructor(parts: StorageCheckParts, options: StorageCheckOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** A damaged blob is forgotten: a push packs the layer again, a pull fetches it. */
  async blobs(): Promise<void> {
    const { blobs, workers } = this.#parts
    for (const digest of await blobs.list()) {
      this.#next(`blob ${digest}`)
      if (!blobs.has(digest)) continue
      const found = await workers.run<string>(
        'digest-file',
        { path: blobs.path(digest) },
        { signal: this.#options.signal },
      )
      if (found !== digest) {
        await this.#note({ kind: 'blob', subject: digest, detail: `its content has digest ${found}` }, () =>
          blobs.remove(digest),
        )
      }
    }
    for (const digest of this.#named((root) => root.blobs())) {
      if (!blobs.has(digest))
        await this.#note({ kind: 'blob', subject: digest, detail: 'is named, and not stored' })
    }
  }

  async layers(): Promise<void> {
    const { layers } = this.#parts
    for (const { diffId } of layers.list()) {
      this.#next(`layer ${diffId}`)
      const signal = this.#options.signal
      const fault = await layers.verify(diffId, signal === undefined ? {} : { signal })
      if (fault === null) continue
      await this.#note({ kind: 'layer', subject: diffId, detail: `${fault.part}: ${fault.detail}` }, () =>
        fault.part === 'index' ? this.#remake(diffId) : this.#restore(diffId),
      )
    }
  }

  async missingLayers(): Promise<void> {
    for (const diffId of this.#named((root) => root.layers())) {
      if (this.#parts.layers.has(diffId)) continue
      await this.#note({ kind: 'layer', subject: diffId, detail: 'is named, and not stored' }, () =>
        this.#restore(diffId),
      )
    }
  }

  async snapshots(): Promise<void> {
    const { snapshots } = this.#parts
    for (const id of snapshots.ids()) {
      this.#next(`snapshot ${id}`)
      if (!existsSync(join(snapshots.directory, id))) {
        await this.#note({ kind: 'snapshot', subject: id, detail: 'its directory is gone' })
      }
    }
  }

  async strays(): Promise<void> {
    const { layers, snapshots } = this.#parts
    for (const store of [layers, snapshots]) {
      for (const name of await store.strays()) {
        await this.#note({ kind: 'stray', subject: name, detail: 'belongs to nothing' }, () =>
          store.removeStray(name),
        )
      }
    }
  }

  /** Makes the index of a layer again, from the tar that was just found whole. */
  async #remake(diffId: Digest): Promise<void> {
    // Opened before the damaged file goes.
    const { layers } = this.#parts
    const tar = layers.tar(diffId)
    if (layers.get(diffId).tarBytes > 0) await once(tar, 'open')
    await layers.replace(diffId, { stream: tar })
  }

  /** Makes a layer again from a compressed blob that holds it. */
  async #restore(diffId: Digest): Promise<void> {
    const { blobs, layers } = this.#parts
    for (const digest of this.#parts.blobsOf(diffId)) {
      if (!blobs.has(digest)) continue
      // Held open: a collection may remove the name meanwhile.
      await using file = await open(blobs.path(digest))
      const source: LayerSource = { stream: file.createReadStream({ autoClose: false }) }
      await layers.replace(diffId, source)
      return
    }
    throw new Error('nothing is left to make it from: pull the image again')
  }

  #named(of: (root: GarbageRoots) => Iterable<Digest>): Set<Digest> {
    return new Set(this.#parts.roots.flatMap((root) => [...of(root)]))
  }

  #next(what: string): void {
    this.#options.signal?.throwIfAborted()
    this.#options.onProgress?.(what)
  }

  async #note(problem: Omit<StorageProblem, 'repaired'>, repair?: () => Promise<void>): Promise<void> {
    if (!this.#options.repair || repair === undefined) {
      this.problems.push({ ...problem, repaired: false })
      return
    }
    try {
      await repair()
      this.problems.push({ ...problem, repaired: true })
    } catch (error) {
      this.problems.push({
        ...problem,
        detail: `${problem.detail}; not repaired: ${messageOf(error)}`,
        repaired: false,
      })
    }
  }
}
