import { join } from 'node:path'
import type { Digest } from '#base/digest.ts'
import type { LayerViews } from './layer-views.ts'

/** The name of the tree in a layer's directory, where layers are kept as directories. */
export const LAYER_TREE = 'fs'

/** Layers that are directories already. */
export class DirectoryViews implements LayerViews {
  readonly #directoryOf: (diffId: Digest) => string

  constructor(directoryOf: (diffId: Digest) => string) {
    this.#directoryOf = directoryOf
  }

  acquire(diffId: Digest): string {
    return join(this.#directoryOf(diffId), LAYER_TREE)
  }

  release(): void {}
  drop(): void {}

  close(): void {}
}
