import { shortId } from '#base/ids.ts'
import { ConflictError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type * as I from '#spec/docker/image.ts'
import type { ImageRemoveOptions } from '#spec/docker/options.ts'
import {
  canonicalName,
  familiarString,
  parseReference,
  withDefaultTag,
  type Reference,
} from '#spec/reference.ts'
import { pruneFilter } from './image-filters.ts'
import { chainIdsOf } from './layers/chain-ids.ts'
import { isIdPrefix, resolveImage } from './image-resolver.ts'
import type { ImageRecord, ImageUsers } from './image-service.ts'
import type { ImageStore } from './image-store.ts'

/** Told of what happened to an image, in the order it happened. */
export type ImageNotice = (action: 'untag' | 'delete', image: ImageRecord) => void

interface RemovalDependencies {
  readonly store: ImageStore
  readonly users: ImageUsers
  readonly notice: ImageNotice
}

type Deleted = I.ImageDeleteResponseItem

/** One removal: what it deleted so far, and the sizes of the layers that nobody needs any more. */
interface Outcome {
  readonly items: Deleted[]
  freedBytes: number
}

/** Why an image may not go. Hard reasons hold against `force` too. */
interface Obstacle {
  readonly hard: boolean
  /** A container uses it. */
  readonly used: boolean
  readonly why: string
}

/**
 * Untagging and deleting, in Docker's order: a name is taken away first, and the image goes with its last name unless
 * a container or a child holds it. Only records change here; layers are collected later.
 */
export class ImageRemoval {
  readonly #store: ImageStore
  readonly #users: ImageUsers
  readonly #notice: ImageNotice

  constructor(dependencies: RemovalDependencies) {
    this.#store = dependencies.store
    this.#users = dependencies.users
    this.#notice = dependencies.notice
  }

  /** @throws NotFoundError; ConflictError in Docker's words, nothing having changed. */
  remove(name: string, options: Pick<ImageRemoveOptions, 'force' | 'noPrune'>): Deleted[] {
    const outcome: Outcome = { items: [], freedBytes: 0 }
    this.#remove(name, { ...options, outcome })
    return outcome.items
  }

  /**
   * Removes images that no container uses: those without a name, or with `dangling=false` all of them. Of an image that is
   * used the names go in order, but for the last.
   */
  prune(filters: Filters): { ImagesDeleted: Deleted[] | null; SpaceReclaimed: number } {
    const filter = pruneFilter(filters, this.#store)
    const outcome: Outcome = { items: [], freedBytes: 0 }
    for (const id of this.#store.ids()) {
      const image = this.#store.get(id)
      if (image === null || !filter.accepts(image)) continue
      const names = this.#store.references(id)
      if (filter.dangling === true && names.some((name) => name.tag !== null)) continue
      if (names.length === 0 && this.#store.children(id).length > 0) continue
      const isUsed = this.#users.usersOf(id).length > 0
      this.#forgive(() => {
        for (const reference of isUsed ? names.slice(0, -1) : names) this.#untag(image, reference, outcome)
        if (!isUsed) this.#delete(image, { force: false, noPrune: false, quiet: true, outcome })
      })
    }
    return {
      ImagesDeleted: outcome.items.length === 0 ? null : outcome.items,
      SpaceReclaimed: outcome.freedBytes,
    }
  }

  /** A prune goes on when one image cannot go. */
  #forgive(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
    }
  }

  #remove(name: string, options: { force: boolean; noPrune: boolean; outcome: Outcome }): void {
    const image = resolveImage(this.#store, name)
    const names = this.#store.references(image.id)
    if (isIdPrefix(image.id, name)) {
      if (isSingleName(names)) {
        this.#refuse(image, { force: options.force, ignoreNames: true })
        for (const reference of names) this.#untag(image, reference, options.outcome)
      }
      this.#delete(image, { ...options, quiet: false })
      return
    }
    const reference = withDefaultTag(parseReference(name))
    const user = this.#users.usersOf(image.id)[0]
    if (!options.force && isSingleName(names) && user !== undefined) {
      throw new ConflictError(
        `conflict: unable to remove repository reference "${name}" (must force) - container ${shortId(user.containerId)} is using its referenced image ${shortId(image.id)}`,
      )
    }
    this.#untag(image, reference, options.outcome)
    if (reference.digest === null) this.#untagOrphanedDigests(image, reference, options.outcome)
    if (this.#store.references(image.id).length > 0) return
    this.#delete(image, { ...options, quiet: true })
  }

  /** Digests of a repository go with its last tag. */
  #untagOrphanedDigests(image: ImageRecord, reference: Reference, outcome: Outcome): void {
    const names = this.#store
      .references(image.id)
      .filter((name) => canonicalName(name) === canonicalName(reference))
    if (names.some((name) => name.digest === null)) return
    for (const name of names) this.#untag(image, name, outcome)
  }

  #untag(image: ImageRecord, reference: Reference, outcome: Outcome): void {
    this.#store.unname(reference)
    this.#notice('untag', image)
    outcome.items.push({ Untagged: familiarString(reference) })
  }

  #delete(
    image: ImageRecord,
    options: { force: boolean; noPrune: boolean; quiet: boolean; outcome: Outcome },
  ): void {
    const obstacle = this.#obstacle(image, { force: options.force, ignoreNames: false })
    if (obstacle !== null) {
      if (options.quiet && (this.#store.references(image.id).length > 0 || obstacle.used || obstacle.hard))
        return
      throw conflict(image, obstacle)
    }
    for (const reference of this.#store.references(image.id)) this.#untag(image, reference, options.outcome)
    const freed = this.#store.delete(image.id)
    this.#notice('delete', image)
    options.outcome.items.push({ Deleted: image.id })
    const chainIds = chainIdsOf(image.layers)
    for (const { diffId, sizeBytes } of freed) {
      options.outcome.freedBytes += sizeBytes
      options.outcome.items.push({ Deleted: chainIds[image.layers.lastIndexOf(diffId)] ?? diffId })
    }
    const parent = options.noPrune || image.parent === null ? null : this.#store.get(image.parent)
    // A parent that is of no use to anybody else goes too: that is what made it.
    if (parent !== null) this.#delete(parent, { ...options, force: false, quiet: true })
  }

  #refuse(image: ImageRecord, options: { force: boolean; ignoreNames: boolean }): void {
    const obstacle = this.#obstacle(image, options)
    if (obstacle !== null) throw conflict(image, obstacle)
  }

  #obstacle(image: ImageRecord, options: { force: boolean; ignoreNames: boolean }): Obstacle | null {
    if (this.#store.children(image.id).length > 0) {
      return { hard: true, used: false, why: 'image has dependent child images' }
    }
    const users = this.#users.usersOf(image.id)
    const running = users.find((user) => user.running)
    if (running !== undefined) {
      return {
        hard: true,
        used: true,
        why: `image is being used by running container ${shortId(running.containerId)}`,
      }
    }
    if (options.force) return null
    if (!options.ignoreNames && this.#store.references(image.id).length > 0) {
      return { hard: false, used: false, why: 'image is referenced in multiple repositories' }
    }
    const stopped = users[0]
    if (stopped === undefined) return null
    return {
      hard: false,
      used: true,
      why: `image is being used by stopped container ${shortId(stopped.containerId)}`,
    }
  }
}

function conflict(image: ImageRecord, obstacle: Obstacle): ConflictError {
  const remedy = obstacle.hard ? 'cannot be forced' : 'must be forced'
  return new ConflictError(`conflict: unable to delete ${shortId(image.id)} (${remedy}) - ${obstacle.why}`)
}

/** One tag, with the digests of the same repository only: then an id stands for the name. */
function isSingleName(names: readonly Reference[]): boolean {
  if (names.length <= 1) return names.length === 1
  const tags = names.filter((name) => name.digest === null)
  const digestRepositories = new Set(names.filter((name) => name.digest !== null).map(canonicalName))
  const single = tags[0] ?? names[0]
  return (
    tags.length <= 1 &&
    single !== undefined &&
    digestRepositories.size === 1 &&
    digestRepositories.has(canonicalName(single))
  )
}
