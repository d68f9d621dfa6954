import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ContainerLifecycle, ContainerStreams } from '#api/backends.ts'
import type { IdMap } from '#base/id-map.ts'
import type { Logger } from '#base/logger.ts'
import type { Digest } from '#base/digest.ts'
import { BuildCache } from '#builder/cache/build-cache.ts'
import { readCachePolicies } from '#builder/cache/gc-policy.ts'
import { Builder } from '#builder/builder.ts'
import { BuildHistory } from '#builder/history/build-history.ts'
import { parsePlatform } from '#builder/plan/plan.ts'
import { ConflictError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { ImageService } from '#images/open-images.ts'
import type { Storage } from '#images/storage.ts'
import type { Blobs } from '#store/blobs.ts'
import type { Database } from '#store/database.ts'
import type { GarbageRoots } from '#store/garbage.ts'
import type { ProgressSink } from '#spec/docker/options.ts'
import type { Leases } from '#store/leases.ts'
import { createBuildRoots, createBuildSteps } from './build-steps.ts'

/** What the builder is wired from. `builderSchema` must be among the database's schemas. */
export interface BuilderWiring {
  readonly database: Database
  readonly dataRoot: string
  readonly execRoot: string
  readonly ids: IdMap | null
  readonly images: ImageService
  readonly storage: Storage
  readonly leases: Leases
  readonly blobs: Blobs
  readonly containers: ContainerLifecycle & ContainerStreams
  readonly collectGarbage: () => void
  /** `builder` of daemon.json. */
  readonly builderConfig: unknown
  readonly log: Logger
}

/** The builder, and what it keeps from garbage collection. */
export function openBuilder(parts: BuilderWiring): {
  readonly builder: Builder
  readonly roots: GarbageRoots
} {
  const { images, storage, leases } = parts
  const cache = new BuildCache(parts.database)
  const builder = new Builder({
    images,
    layers: storage.layers,
    archives: storage.archives,
    roots: createBuildRoots(storage.snapshots),
    containers: createBuildSteps(parts.containers, storage.snapshots),
    leases,
    cache,
    history: new BuildHistory(parts.database),
    content: {
      blob: (diffId, signal) => images.compressed(diffId, signal),
      read: (digest) => parts.blobs.read(digest),
      hold: () => images.holdLayers(),
    },
    push: (options) => images.push(options),
    difference: (root, base, options) => storage.snapshots.storeDifference(root, base, options),
    directory: join(parts.dataRoot, 'builder'),
    secretRoot: join(parts.execRoot, 'build-secrets'),
    ids: parts.ids,
    sizeOf: (path) =>
      storage.workers.run<number>('usage', { kind: 'upper', upper: path, lower: null, ids: null }),
    policies: readCachePolicies(parts.builderConfig, diskBytes(parts.dataRoot)),
    log: parts.log,
    hostPlatform: parsePlatform(process.arch === 'x64' ? 'linux/amd64' : `linux/${process.arch}`),
    imageLayers: () => new Set(images.roots.layers()),
    collectGarbage: parts.collectGarbage,
    loadImage: (tar, signal) => loadImage(images, tar, signal),
    forgetImage: (name) => forget(images, name),
    discardImage: (id) => discard(images, id),
  })
  const roots: GarbageRoots = {
    *layers() {
      yield* cache.layers()
    },
    *blobs() {},
  }
  return { builder, roots }
}

function diskBytes(path: string): number {
  const { blocks, bsize } = statfsSync(path)
  return blocks * bsize
}

/** Stores the one image of an archive, which names none. */
async function loadImage(images: ImageService, tar: Readable, signal: AbortSignal): Promise<Digest> {
  let id: string | null = null
  const progress: ProgressSink = (message) => {
    const line = 'stream' in message ? String(message.stream) : ''
    id = /^Loaded image ID: (\S+)$/m.exec(line)?.[1] ?? id
  }
  await images.load(tar, { quiet: true, platforms: [], progress, signal })
  if (id === null) throw new InvalidArgumentError('the OCI layout holds no image, or more than one')
  return id
}

async function forget(images: ImageService, name: string): Promise<void> {
  try {
    await images.remove(name, { force: false, noPrune: false, platforms: [] })
  } catch (error) {
    if (!(error instanceof NotFoundError) && !(error instanceof ConflictError)) throw error
  }
}

/** Removes the image of an intermediate state, unless it has got a name or another user by now. */
async function discard(images: ImageService, id: Digest): Promise<void> {
  const image = images.find(id)
  if (image === null || image.repoTags.length > 0 || image.repoDigests.length > 0) return
  try {
    await images.remove(id, { force: false, noPrune: false, platforms: [] })
  } catch (error) {
    // A container that was kept (`--rm=false`) keeps its image.
    if (!(error instanceof ConflictError)) throw error
  }
}
