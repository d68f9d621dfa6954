import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, digestHex } from '#base/digest.ts'
import { errnoOf } from '#errors/errors.ts'
import { MS, mount, mountTable, umountAll } from '#kernel/mounts.ts'
import { attachLoop } from '#kernel/loop-devices.ts'
import type { LayerViews } from './layer-views.ts'

/** So many layers that nobody uses stay mounted: the next container of the image starts sooner. */
const MAX_IDLE = 64

/** How the kernel mounts an EROFS image: from the file itself (Linux 6.12), or through a loop device (Linux 6.4). */
export type ErofsSource = 'file' | 'loop'

/** Mounts an image, read-only. @throws KernelError */
export function mountErofs(image: string, target: string, source: ErofsSource): void {
  if (source === 'file') {
    mount(target, { source: image, fstype: 'erofs', flags: MS.RDONLY })
    return
  }
  // The device detaches itself when the mount goes.
  using device = attachLoop(image, { readOnly: true })
  mount(target, { source: device.path, fstype: 'erofs', flags: MS.RDONLY })
}

/**
 * EROFS layers, each mounted once however many snapshots stand on it. The mounts outlive the daemon. overlayfs keeps
 * a reference of its own to each lower mount, so taking one away disturbs no container.
 */
export class ErofsMounts implements LayerViews {
  readonly #directory: string
  readonly #imageOf: (diffId: Digest) => string
  readonly #source: ErofsSource
  readonly #users = new Map<Digest, number>()
  /** Mounted and unused, the longest unused first. */
  readonly #idle = new Set<Digest>()

  /** @param options.directory where the mount points are: it may vanish at boot, as the mounts do */
  constructor(options: { directory: string; imageOf: (diffId: Digest) => string; source: ErofsSource }) {
    this.#directory = options.directory
    this.#imageOf = options.imageOf
    this.#source = options.source
    mkdirSync(this.#directory, { recursive: true, mode: 0o710 })
    const mounted = new Set(mountTable().map((entry) => entry.mountPoint))
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name)
      if (!mounted.has(path)) rmdirSync(path)
      else this.#idle.add(`sha256:${name}` as Digest)
    }
  }

  acquire(diffId: Digest): string {
    const path = this.#path(diffId)
    const users = this.#users.get(diffId) ?? 0
    if (users === 0 && !this.#idle.delete(diffId)) this.#mount(diffId, path)
    this.#users.set(diffId, users + 1)
    return path
  }

  #mount(diffId: Digest, path: string): void {
    const image = this.#imageOf(diffId)
    try {
      mkdirSync(path, { mode: 0o755 })
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    try {
      mountErofs(image, path, this.#source)
    } catch (error) {
      rmdirSync(path)
      throw error
    }
  }

  release(diffId: Digest): void {
    const users = this.#users.get(diffId)
    if (users === undefined) return
    if (users > 1) {
      this.#users.set(diffId, users - 1)
      return
    }
    this.#users.delete(diffId)
    this.#idle.add(diffId)
    const [oldest] = this.#idle
    if (this.#idle.size > MAX_IDLE && oldest !== undefined) this.drop(oldest)
  }

  drop(diffId: Digest): void {
    const wasMounted = this.#idle.delete(diffId) || this.#users.delete(diffId)
    if (!wasMounted) return
    umountAll(this.#path(diffId))
    rmdirSync(this.#path(diffId))
  }

  close(): void {
    for (const diffId of this.#idle) this.drop(diffId)
  }

  #path(diffId: Digest): string {
    return join(this.#directory, digestHex(diffId))
  }
}
