import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { IdMap } from '#base/id-map.ts'
import { newId } from '#base/ids.ts'
import { mountMapped, umountAll } from '#kernel/mounts.ts'
import { mountOverlay, type OverlayRequest } from './overlay-mount.ts'

/** The remapping of a daemon: its ids, and a user namespace with them. */
export interface StorageRemap {
  readonly ids: IdMap
  readonly usernsFd: number
}

/** Mounts overlays whose layers show other ids than those on disk. */
export interface MappedOverlays {
  /** What the ids that a container writes are on disk; null when they are the container's own. */
  readonly upperIds: IdMap | null
  /** @throws KernelError where neither the kernel nor the file system can. */
  mount(target: string, request: OverlayRequest): Promise<void> | void
}

/**
 * Overlays of idmapped layers (Linux 5.19): nothing is copied or chowned. The upper directory is as it is, for the daemon
 * itself, whose ids are in no user namespace, makes files there too.
 */
export class IdmappedOverlays implements MappedOverlays {
  readonly upperIds: IdMap
  readonly #directory: string
  readonly #usernsFd: number

  /** @param options.directory for mounts that last as long as a call; what a dead daemon left there is taken away */
  constructor(options: { readonly directory: string; readonly usernsFd: number; readonly ids: IdMap }) {
    this.upperIds = options.ids
    this.#directory = options.directory
    this.#usernsFd = options.usernsFd
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(this.#directory)) takeAway(join(this.#directory, name))
  }

  /** overlayfs clones the mounts it is made of: ours are in nobody's way for longer than this call. */
  mount(target: string, request: OverlayRequest): void {
    const scratch = join(this.#directory, newId())
    mkdirSync(scratch)
    try {
      const lowers = request.lowers.map((source, index) => {
        const at = join(scratch, String(index))
        mkdirSync(at)
        mountMapped(source, at, this.#usernsFd)
        return at
      })
      mountOverlay(target, { ...request, lowers })
    } finally {
      takeAway(scratch)
    }
  }
}

/** Never follows into what is mounted: a directory that cannot be emptied of mounts stays. */
function takeAway(scratch: string): void {
  for (const name of readdirSync(scratch)) {
    umountAll(join(scratch, name))
    rmdirSync(join(scratch, name))
  }
  rmdirSync(scratch)
}
