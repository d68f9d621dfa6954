import { InvalidArgumentError } from '#errors/errors.ts'
import { isOnBtrfs } from '#kernel/btrfs.ts'
import type { LayerFormat } from '../layers/layer-sink.ts'
import type { ErofsSource } from './erofs-mounts.ts'
import { findFuseOverlayfs } from './fuse-overlayfs.ts'
import type { StorageRemap } from './mapped-overlays.ts'
import { type Probe, probeErofs, probeOverlay } from './probe.ts'

/** The storage drivers by Docker's names, and Wharf's own, the first that works here being the default. */
export const STORAGE_DRIVERS = ['erofs', 'overlay2', 'fuse-overlayfs', 'btrfs', 'vfs'] as const
export type StorageDriverName = (typeof STORAGE_DRIVERS)[number]

/** A driver that works, and how it works here. */
export interface DriverChoice {
  readonly name: StorageDriverName
  readonly format: LayerFormat
  readonly erofsSource: ErofsSource
}

/**
 * Takes the driver that is wanted, or the first that works and can use the layers that are there.
 * @throws InvalidArgumentError when the one wanted is not known, or none works, with the reasons
 */
export function chooseDriver(
  directory: string,
  options: {
    readonly wanted: string | null
    readonly existing: LayerFormat | undefined
    /** Snapshots with shifted ids are wanted, too. */
    readonly remap: StorageRemap | null
  },
): DriverChoice {
  const wanted = options.wanted === '' ? null : options.wanted
  if (wanted !== null && !STORAGE_DRIVERS.some((name) => name === wanted)) {
    throw new InvalidArgumentError(`error initializing graphdriver: driver not supported: ${wanted}`)
  }
  const names = wanted === null ? STORAGE_DRIVERS : ([wanted] as StorageDriverName[])
  const reasons: string[] = []
  for (const name of names) {
    const format = name === 'erofs' ? 'erofs' : 'directory'
    if (wanted === null && options.existing !== undefined && options.existing !== format) continue
    const found = probe(name, directory, options.remap)
    if (found.ok) return { name, format, erofsSource: found.value }
    reasons.push(`${name}: ${found.reason}`)
  }
  throw new InvalidArgumentError(`error initializing graphdriver: ${reasons.join('; ')}`)
}

function probe(name: StorageDriverName, directory: string, remap: StorageRemap | null): Probe<ErofsSource> {
  switch (name) {
    case 'erofs':
      return probeErofs(directory, remap)
    case 'overlay2':
      return probeOverlay(directory, remap)
    case 'fuse-overlayfs':
      return findFuseOverlayfs() === null
        ? { ok: false, reason: 'it is not installed' }
        : { ok: true, value: 'file' }
    case 'btrfs':
      if (remap !== null) return { ok: false, reason: 'its subvolumes have no ids of user namespaces' }
      return isOnBtrfs(directory)
        ? { ok: true, value: 'file' }
        : { ok: false, reason: 'prerequisites for driver not satisfied (wrong filesystem?)' }
    case 'vfs':
      return { ok: true, value: 'file' }
  }
}
