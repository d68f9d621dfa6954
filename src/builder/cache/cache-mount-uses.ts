import { createHash } from 'node:crypto'
import type { BuildCache } from './build-cache.ts'

/** The name of a cache mount's directory. */
export function cacheMountName(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}

const PREFIX = 'cachemount:'

/** The key of a cache mount among the records. */
export function cacheMountKey(id: string): string {
  return `${PREFIX}${cacheMountName(id)}`
}

/** The directory's name of a record that is a cache mount's; null for others. */
export function cacheMountOfKey(key: string): string | null {
  return key.startsWith(PREFIX) ? key.slice(PREFIX.length) : null
}

/** Which directories of cache mounts are in use, and how large they have become: shared by all builds. */
export class CacheMountUses {
  readonly #cache: BuildCache
  readonly #sizeOf: (path: string) => Promise<number>
  readonly #counts = new Map<string, number>()

  constructor(cache: BuildCache, sizeOf: (path: string) => Promise<number>) {
    this.#cache = cache
    this.#sizeOf = sizeOf
  }

  isInUse(key: string): boolean {
    return this.#counts.has(key)
  }

  /** Uses a directory until it is disposed of; recorded at once, measured at the end. */
  use(key: string, mount: { readonly id: string; readonly path: string }): AsyncDisposable {
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    if (count === 1) this.#note(key, mount.id, this.#cache.peek(key)?.sizeBytes ?? 0)
    return {
      [Symbol.asyncDispose]: async () => {
        const left = (this.#counts.get(key) ?? 1) - 1
        if (left > 0) {
          this.#counts.set(key, left)
          return
        }
        // Still in use while it is measured.
        const sizeBytes = await this.#sizeOf(mount.path).catch(() => 0)
        if (this.#counts.get(key) !== 1) {
          this.#counts.set(key, (this.#counts.get(key) ?? 1) - 1)
          return
        }
        this.#counts.delete(key)
        this.#note(key, mount.id, sizeBytes)
      },
    }
  }

  #note(key: string, id: string, sizeBytes: number): void {
    const created = new Date().toISOString()
    const description = `cached mount ${id}`
    this.#cache.note(key, { layer: null, sizeBytes, created, description, type: 'exec.cachemount' })
  }
}

/** Makes records and directories agree after a daemon died between the two: what one of them lacks, the other loses or gets. */
export async function reconcileCacheMounts(cache: BuildCache, names: readonly string[]): Promise<void> {
  const here = new Set(names)
  const known = new Map(
    cache.entries().flatMap(({ key }) => {
      const name = cacheMountOfKey(key)
      return name === null ? [] : [[name, key] as const]
    }),
  )
  const gone = [...known].flatMap(([name, key]) => (here.has(name) ? [] : [key]))
  if (gone.length > 0) await cache.remove(gone)
  for (const name of here) {
    if (known.has(name)) continue
    const created = new Date().toISOString()
    const value = { layer: null, sizeBytes: 0, created, description: 'cached mount', type: 'exec.cachemount' }
    cache.note(`${PREFIX}${name}`, value)
  }
}
