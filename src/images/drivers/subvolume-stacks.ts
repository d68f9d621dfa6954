import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestHex } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import { chainIdsOf } from '../layers/chain-ids.ts'
import type { WorkerPool } from '../worker/worker-pool.ts'
import type { LayerViews } from './layer-views.ts'

/** The name of a stack's subvolume in its directory, and of the file that lists its layers. */
const TREE = 'tree'
const LAYERS = 'layers.json'
/** The stack of no layers: what lies beneath every image. */
const BASE = 'base'
const UNFINISHED = '.new-'
const REMOVED = '.removed-'

export interface SubvolumeStacksOptions {
  /** `<data-root>/btrfs` */
  readonly directory: string
  readonly views: LayerViews
  readonly baseLayer: string
  readonly workers: WorkerPool
  readonly log: Logger
}

/**
 * Stacks of layers as btrfs subvolumes that containers' are copied from, each made when it is first needed from the
 * largest part of it that is there. They can be made again from the layers, whose content they share.
 */
export class SubvolumeStacks {
  readonly #options: SubvolumeStacksOptions
  /** By the name of the directory. */
  readonly #stacks = new Map<string, readonly Digest[]>()
  readonly #locks = new KeyedLock()

  constructor(options: SubvolumeStacksOptions) {
    this.#options = options
    mkdirSync(options.directory, { recursive: true, mode: 0o710 })
    for (const name of readdirSync(options.directory)) {
      if (name.startsWith('.')) void this.#free(name)
      else this.#stacks.set(name, readLayers(join(options.directory, name)))
    }
  }

  /** The subvolume that shows these layers, lowest first. The caller keeps the layers from being collected. */
  async ensure(layers: readonly Digest[]): Promise<string> {
    const name = this.#namesOf(layers).at(-1) as string
    using _held = await this.#locks.acquire(name)
    if (!this.#stacks.has(name)) await this.#make(name, layers)
    return join(this.#options.directory, name, TREE)
  }

  /** Makes a subvolume of these layers alone, of which no stack is kept. */
  async copy(layers: readonly Digest[], tree: string): Promise<void> {
    const { views, workers } = this.#options
    const paths = layers.map((layer) => views.acquire(layer))
    try {
      await workers.run('stack-subvolume', { from: null, layers: paths, tree })
    } finally {
      for (const layer of layers) views.release(layer)
    }
  }

  async #make(name: string, layers: readonly Digest[]): Promise<void> {
    const { directory, views, baseLayer, workers } = this.#options
    const lower = this.#namesOf(layers).findLastIndex((candidate) => this.#stacks.has(candidate))
    const missing = layers.slice(Math.max(lower, 0))
    const paths = missing.map((layer) => views.acquire(layer))
    const from = lower === -1 ? null : join(directory, this.#namesOf(layers)[lower] as string, TREE)
    const unfinished = `${UNFINISHED}${newId()}`
    try {
      await mkdir(join(directory, unfinished), { mode: 0o710 })
      writeFileSync(join(directory, unfinished, LAYERS), JSON.stringify(layers))
      await workers.run('stack-subvolume', {
        from,
        layers: from === null ? [baseLayer, ...paths] : paths,
        tree: join(directory, unfinished, TREE),
      })
      await failpoint('images.stack.before-rename')
      await rename(join(directory, unfinished), join(directory, name))
      this.#stacks.set(name, layers)
    } catch (error) {
      await this.#free(unfinished)
      throw error
    } finally {
      for (const layer of missing) views.release(layer)
    }
  }

  /** A layer is removed: so are the stacks that have it. Their blocks are freed in the background. */
  drop(diffId: Digest): void {
    for (const [name, layers] of this.#stacks) {
      if (!layers.includes(diffId)) continue
      this.#stacks.delete(name)
      const removed = `${REMOVED}${newId()}`
      renameSync(join(this.#options.directory, name), join(this.#options.directory, removed))
      void this.#free(removed)
    }
  }

  async #free(name: string): Promise<void> {
    const path = join(this.#options.directory, name)
    try {
      await this.#options.workers.run('remove-subvolume', { tree: join(path, TREE) })
      await rm(path, { recursive: true, force: true })
    } catch (error) {
      // The next start tries again.
      this.#options.log.warn('remains of a stack of layers cannot be removed', {
        path,
        error: messageOf(error),
      })
    }
  }

  /** The names of the stacks that hold the first 0, 1, 2 … of these layers. */
  #namesOf(layers: readonly Digest[]): string[] {
    return [BASE, ...chainIdsOf(layers).map(digestHex)]
  }
}

function readLayers(directory: string): readonly Digest[] {
  return JSON.parse(readFileSync(join(directory, LAYERS), 'utf8')) as Digest[]
}
