import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type IdMap, ownerOnHost } from '#base/id-map.ts'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import type { KeyedLock } from '#base/keyed-lock.ts'
import type { Archives } from '#images/archive.ts'
import type { Layers } from '#images/layers/layers.ts'
import type { BuildLease, BuildRoots } from '../needs.ts'
import type { RunMount } from '../ops/run-mounts.ts'
import type { CacheRecord } from '../solver/vertex.ts'
import { cacheMountKey, cacheMountName, type CacheMountUses } from './cache-mount-uses.ts'
import type { TracedCache } from './traced-cache.ts'

/** What the directories of cache mounts are kept with. */
export interface CacheDirectoriesOptions {
  /** The builder's directory: they live in `cache/`. */
  readonly directory: string
  /** A directory of this build alone. */
  readonly tempRoot: string
  readonly ids: IdMap | null
  /** Serialises `sharing=locked` between all builds. */
  readonly locks: KeyedLock
  readonly archives: Archives
  readonly layers: Layers
  readonly roots: BuildRoots
  readonly lease: BuildLease
  readonly cache: TracedCache
  readonly uses: CacheMountUses
}

/** A cache mount's directory, held as its sharing says. */
export interface CacheDirectory {
  readonly path: string
  /** It was made for this mount. */
  readonly isNew: boolean
  /** It was made from an imported cache. */
  readonly isFilled: boolean
}

/** The directories of cache mounts (`RUN --mount=type=cache`) as one build uses them. */
export class CacheDirectories {
  readonly #options: CacheDirectoriesOptions
  /** The directories that the build used, by id. */
  readonly #used = new Map<string, string>()

  constructor(options: CacheDirectoriesOptions) {
    this.#options = options
  }

  /** The directory for a mount; what it holds is let go with `held`. */
  async open(mount: RunMount, held: AsyncDisposableStack): Promise<CacheDirectory> {
    const { locks, tempRoot } = this.#options
    const shared = join(this.#options.directory, 'cache', cacheMountName(mount.id))
    if (mount.sharing === 'locked') held.use(await locks.acquire(shared))
    let path = shared
    if (mount.sharing === 'private' && locks.isHeld(shared)) {
      path = await mkdtemp(join(tempRoot, 'cache-'))
      held.defer(() => rm(path, { recursive: true, force: true }))
    } else if (mount.sharing === 'private') held.use(await locks.acquire(shared))
    if (path === shared) {
      this.#used.set(mount.id, shared)
      held.use(this.#options.uses.use(cacheMountKey(mount.id), { id: mount.id, path: shared }))
      await failpoint('builder.cachemount.before-make')
    }
    const isMade = (await mkdir(path, { recursive: true })) !== undefined || path !== shared
    const layer = isMade ? (this.#options.cache.imported(cacheMountKey(mount.id))?.layer ?? null) : null
    if (layer === null) return { path, isNew: isMade, isFilled: false }
    await using mounted = await this.#options.roots.mount([layer as Digest])
    await this.fill(path, mounted.root, null)
    return { path, isNew: true, isFilled: true }
  }

  /** Copies a tree into a directory. */
  async fill(path: string, from: string, signal: AbortSignal | null): Promise<void> {
    const { archives, ids } = this.#options
    const options = signal === null ? {} : { signal }
    const { tar } = await archives.read(from, '/.', options)
    await archives.extract(path, '/', tar, { ids, ...options })
  }

  /** Gives a directory the owner and mode of a mount. */
  async give(path: string, mount: RunMount): Promise<void> {
    const { uid, gid } = ownerOnHost(this.#options.ids, mount)
    await chown(path, uid, gid)
    await chmod(path, mount.mode ?? 0o755)
  }

  /** What the build's cache mounts hold now, as layers for an export of the cache. */
  async records(signal: AbortSignal): Promise<readonly CacheRecord[]> {
    const { layers, archives, lease } = this.#options
    const records: CacheRecord[] = []
    for (const [id, path] of this.#used) {
      // Its own mode and owner come with it: the tar begins with the directory itself.
      const { tar } = await archives.read(path, '/.', { signal })
      const { diffId, sizeBytes } = await layers.ingest({ stream: tar }, { compression: 'none', signal })
      await lease.hold([diffId])
      records.push({
        key: cacheMountKey(id),
        layer: diffId,
        sizeBytes,
        created: new Date().toISOString(),
        description: `cached mount ${id}`,
        type: 'exec.cachemount',
      })
    }
    return records
  }
}
