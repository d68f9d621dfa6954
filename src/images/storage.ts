import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '#base/digest.ts'
import { mappedRoot } from '#base/id-map.ts'
import type { Logger } from '#base/logger.ts'
import type { Database } from '#store/database.ts'
import { createArchives } from './archive-service.ts'
import type { Archives } from './archive.ts'
import { ensureBaseLayer } from './drivers/base-layer.ts'
import { DirectoryViews } from './drivers/directory-views.ts'
import type { SnapshotDriver } from './drivers/driver.ts'
import { BtrfsDriver } from './drivers/btrfs-driver.ts'
import { type DriverChoice, chooseDriver } from './drivers/choose-driver.ts'
import { ErofsMounts } from './drivers/erofs-mounts.ts'
import { mountFuseOverlay } from './drivers/fuse-overlayfs.ts'
import { IdmappedOverlays, type MappedOverlays, type StorageRemap } from './drivers/mapped-overlays.ts'
import { ProjectQuotas } from './drivers/project-quotas.ts'
import { OverlayDriver } from './drivers/overlay-driver.ts'
import { fileSystemName } from './drivers/probe.ts'
import { SubvolumeStacks } from './drivers/subvolume-stacks.ts'
import { refuseQuotas } from './drivers/quotas.ts'
import { VfsDriver } from './drivers/vfs-driver.ts'
import type { LayerFormat } from './layers/layer-sink.ts'
import { type LayerStore, openLayers } from './layers/layer-store.ts'
import { type SnapshotStore, openSnapshots } from './snapshot-store.ts'
import { WorkerPool } from './worker/worker-pool.ts'

export interface StorageOptions {
  readonly database: Database
  readonly dataRoot: string
  readonly execRoot: string
  /** `--storage-driver`; null chooses. */
  readonly driver: string | null
  /** The remapping of the daemon (`userns-remap`), and a user namespace with it; absent when there is none. */
  readonly remap?: StorageRemap | null
  readonly log: Logger
}

/** Layers, snapshots and archives of one data root, with the worker threads they share. */
export interface Storage {
  readonly layers: LayerStore
  readonly snapshots: SnapshotStore
  readonly archives: Archives
  readonly workers: WorkerPool
  close(): Promise<void>
}

/**
 * Opens the file-system side of the data root.
 * @throws InvalidArgumentError when the driver asked for is not known, does not work here, or is not the one that
 * made the layers of this data root
 */
export function openStorage(options: StorageOptions): Storage {
  mkdirSync(options.dataRoot, { recursive: true, mode: 0o710 })
  const existing = options.database.prepare('SELECT format FROM layers LIMIT 1').get()?.['format']
  const choice = chooseDriver(options.dataRoot, {
    wanted: options.driver,
    existing: existing as LayerFormat | undefined,
    remap: options.remap ?? null,
  })
  const workers = new WorkerPool()
  let driver: SnapshotDriver | null = null
  const layers = openLayers({
    database: options.database,
    directory: join(options.dataRoot, 'layers'),
    format: choice.format,
    workers,
    log: options.log,
    onRemove: (diffId) => driver?.dropLayer(diffId),
  })
  driver = openDriver(choice, { options, layers, workers })
  const snapshots = openSnapshots({
    database: options.database,
    directory: join(options.dataRoot, 'snapshots'),
    layers,
    driver,
    workers,
    mappedGid: options.remap ? mappedRoot(options.remap.ids).gid : null,
    log: options.log,
  })
  const close = async (): Promise<void> => {
    await snapshots.settled()
    driver.close()
    await workers.close()
  }
  return { layers, snapshots, archives: createArchives(workers), workers, close }
}

function openDriver(
  choice: DriverChoice,
  parts: { options: StorageOptions; layers: LayerStore; workers: WorkerPool },
): SnapshotDriver {
  const { options, layers, workers } = parts
  const baseLayer = ensureBaseLayer(join(options.dataRoot, 'base-layer'))
  const directoryOf = (diffId: Digest): string => layers.directoryOf(diffId)
  if (choice.name === 'vfs') {
    const quotas = refuseQuotas('--storage-opt is not supported for vfs')
    return new VfsDriver({
      views: new DirectoryViews(directoryOf),
      baseLayer,
      workers,
      quotas,
      ids: options.remap?.ids ?? null,
    })
  }
  if (choice.name === 'btrfs') {
    const stacks = new SubvolumeStacks({
      directory: join(options.dataRoot, 'btrfs'),
      views: new DirectoryViews(directoryOf),
      baseLayer,
      workers,
      log: options.log,
    })
    return new BtrfsDriver({ stacks, workers })
  }
  const quotas = new ProjectQuotas({
    snapshots: join(options.dataRoot, 'snapshots'),
    refusal: "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
  })
  const isErofs = choice.name === 'erofs'
  const views = isErofs
    ? new ErofsMounts({
        directory: join(options.execRoot, 'layers'),
        imageOf: (diffId) => join(directoryOf(diffId), 'layer.erofs'),
        source: choice.erofsSource,
      })
    : new DirectoryViews(directoryOf)
  const status: [string, string][] = [
    ['Backing Filesystem', fileSystemName(options.dataRoot)],
    ['Supports d_type', 'true'],
    ['Using metacopy', 'false'],
    ['Native Overlay Diff', 'true'],
    ['userxattr', 'false'],
  ]
  if (isErofs) status.push(['Layers mounted from', choice.erofsSource])
  return new OverlayDriver({
    info: { name: choice.name, status },
    layerFormat: choice.format,
    views,
    baseLayer,
    quotas,
    mapping: mappingOf(choice, options),
    ...(choice.name === 'fuse-overlayfs' ? { mountOverlay: mountFuseOverlay } : {}),
  })
}

function mappingOf(choice: DriverChoice, { remap, execRoot }: StorageOptions): MappedOverlays | null {
  if (remap === undefined || remap === null) return null
  if (choice.name !== 'fuse-overlayfs')
    return new IdmappedOverlays({ directory: join(execRoot, 'mapping'), ...remap })
  return {
    // It shifts ids itself, those of the upper directory too.
    upperIds: null,
    mount: (target, request) => mountFuseOverlay(target, request, remap.ids),
  }
}
