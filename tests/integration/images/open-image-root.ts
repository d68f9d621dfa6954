import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { silentLogger } from '#base/logger.ts'
import { applyConfigChanges } from '#builder/config-changes.ts'
import type { NewEvent } from '#events/events.ts'
import { imageSchema } from '#images/image-schema.ts'
import type { ImageUser } from '#images/image-service.ts'
import { LAYER_SCHEMA } from '#images/layers/layer-store.ts'
import { type ImageService, openImages } from '#images/open-images.ts'
import { SNAPSHOT_SCHEMA } from '#images/snapshot-store.ts'
import { openStorage, type Storage } from '#images/storage.ts'
import type { RegistryConfig } from '#registry/registry-config.ts'
import { createRegistryService, type RegistryService } from '#registry/registry-service.ts'
import { openBlobs, type Blobs } from '#store/blobs.ts'
import { openDatabase } from '#store/database.ts'
import { createGarbageCollection, type GarbageCollection } from '#store/garbage.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { unmountBelow } from '../layers/fixture.ts'

/** Images of a data root, with all that is below them and a registry client beside. */
export interface ImageRoot extends AsyncDisposable {
  readonly root: string
  readonly images: ImageService
  readonly registry: RegistryService
  readonly storage: Storage
  readonly blobs: Blobs
  readonly garbage: GarbageCollection
  readonly events: NewEvent[]
  /** Containers by image id. */
  readonly users: Map<string, ImageUser[]>
  /** Files that are there of layers and blobs, after garbage collection: what a leak check compares. */
  leftovers(): Promise<{ layers: number; blobs: number; incoming: number }>
}

export const testRegistryConfig: RegistryConfig = {
  mirrors: new Map(),
  insecureRegistries: [],
  certificatesDirectory: '/nonexistent',
  proxies: { http: null, https: null, noProxy: null },
  maxConcurrentDownloads: 3,
  maxConcurrentUploads: 5,
  maxDownloadAttempts: 5,
  userAgent: 'wharf-test',
}

export function openImageRoot(
  options: { readonly root?: string; readonly registry?: Partial<RegistryConfig> } = {},
): ImageRoot {
  const root = options.root ?? scratchDirectory('images')
  const database = openDatabase(join(root, 'wharf.db'), [LAYER_SCHEMA, SNAPSHOT_SCHEMA, imageSchema])
  const storage = openStorage({
    database,
    dataRoot: root,
    execRoot: join(root, 'run'),
    driver: null,
    log: silentLogger,
  })
  const blobs = openBlobs(join(root, 'blobs'))
  const events: NewEvent[] = []
  const users = new Map<string, ImageUser[]>()
  let registry: RegistryService | null = null
  const images = openImages({
    database,
    dataRoot: root,
    blobs,
    layers: storage.layers,
    snapshots: storage.snapshots,
    collect: () => garbage.schedule(),
    users: { usersOf: (image) => users.get(image) ?? [] },
    events: { publish: (event) => void events.push(event) },
    changer: applyConfigChanges,
    log: silentLogger,
    registry(ports) {
      registry = createRegistryService({ ...testRegistryConfig, ...options.registry }, ports)
      return registry
    },
  })
  const garbage = createGarbageCollection({
    layers: storage.layers,
    blobs,
    roots: [images.roots],
    log: silentLogger,
  })
  return {
    root,
    images,
    registry: registry as unknown as RegistryService,
    storage,
    blobs,
    garbage,
    events,
    users,
    async leftovers() {
      await garbage.collect()
      const incoming = readdirSync(join(root, 'blobs/incoming')).length
      return { layers: storage.layers.list().length, blobs: (await blobs.list()).length, incoming }
    },
    async [Symbol.asyncDispose]() {
      registry?.close()
      await garbage.collect()
      await storage.close()
      database.close()
      unmountBelow(root)
    },
  }
}

/** A sink that keeps what it is told. */
export function recorder(): {
  readonly messages: Record<string, unknown>[]
  readonly progress: (message: object) => void
} {
  const messages: Record<string, unknown>[] = []
  return { messages, progress: (message) => void messages.push(message as Record<string, unknown>) }
}

/** Pulls, and gives the lines of progress without figures: `id status`. */
export async function pull(
  { images }: ImageRoot,
  reference: string,
  options: Partial<Parameters<ImageService['pull']>[0]> = {},
): Promise<string[]> {
  const { messages, progress } = recorder()
  await images.pull({
    reference,
    allTags: false,
    platform: null,
    auth: null,
    signal: AbortSignal.timeout(120_000),
    progress,
    ...options,
  })
  return linesOf(messages)
}

/** Pushes a tag, and gives the lines of progress. */
export async function push(
  { images }: ImageRoot,
  name: { readonly repository: string; readonly tag: string | null },
  options: Partial<Parameters<ImageService['push']>[0]> = {},
): Promise<string[]> {
  const { messages, progress } = recorder()
  await images.push({
    ...name,
    platform: null,
    auth: null,
    signal: AbortSignal.timeout(120_000),
    progress,
    ...options,
  })
  return linesOf(messages)
}

/** Loads an archive; the text that the client prints. */
export async function load(
  { images }: ImageRoot,
  tar: Readable,
  options: Partial<Parameters<ImageService['load']>[1]> = {},
): Promise<string> {
  const { messages, progress } = recorder()
  await images.load(tar, {
    quiet: true,
    platforms: [],
    signal: AbortSignal.timeout(120_000),
    progress,
    ...options,
  })
  return messages.map((message) => message['stream'] ?? '').join('')
}

function linesOf(messages: readonly Record<string, unknown>[]): string[] {
  const lines = messages
    .filter((message) => message['status'] !== undefined)
    .map(
      (message) =>
        `${message['id'] === undefined ? '' : `${String(message['id'])} `}${String(message['status'])}`,
    )
  return lines.filter((line, index) => line !== lines[index - 1])
}
