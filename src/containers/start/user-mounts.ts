import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import { findBeneath } from '#kernel/paths.ts'
import type { ContainerMount } from '#runtime/runtime.ts'
import { canPropagate, checkPropagation } from './check-propagation.ts'
import type { MountRecord } from '../create/mount-record.ts'
import { tmpfsOptions } from '../create/tmpfs-options.ts'
import type { ContainerRecord } from '../records.ts'

/** Where the files of volumes and images are while a container runs. */
export interface MountHosts {
  /** Makes the volume's files available and gives their directory. */
  volume(name: string): Promise<string>
  /** Mounts an image read-only and gives its root. */
  image(mount: Extract<MountRecord, { type: 'image' }>): Promise<string>
}

/** The user's mounts, sources resolved, parents before children. @throws InvalidArgumentError for a source that is not there. */
export async function userMounts(record: ContainerRecord, hosts: MountHosts): Promise<ContainerMount[]> {
  const mounts = await Promise.all(record.mounts.map((mount) => resolveMount(mount, hosts)))
  for (const [destination, options] of Object.entries(record.hostConfig.Tmpfs ?? {})) {
    mounts.push({ kind: 'tmpfs', destination, options: tmpfsOptions(options) })
  }
  return mounts
}

/** Sorts mounts so that what lies deeper comes later. */
export function parentsFirst(mounts: readonly ContainerMount[]): readonly ContainerMount[] {
  const depth = (mount: ContainerMount): number =>
    mount.destination.split('/').filter((part) => part !== '').length
  return mounts.toSorted((a, b) => depth(a) - depth(b))
}

async function resolveMount(mount: MountRecord, hosts: MountHosts): Promise<ContainerMount> {
  const { destination, readOnly } = mount
  switch (mount.type) {
    case 'tmpfs':
      return { kind: 'tmpfs', destination, options: mount.options, readOnly }
    case 'bind':
      if (mount.createSource) createSource(mount.source)
      if (mount.followsHost !== true) checkPropagation(mount.source, mount.propagation)
      return {
        kind: 'bind',
        source: mount.source,
        destination,
        readOnly,
        recursive: mount.recursive,
        // Nothing is mounted below a file, and crun takes none.
        readOnlyBelow: mount.readOnlyDepth !== 'top' && isDirectory(mount.source),
        propagation:
          mount.followsHost === true && !canPropagate(mount.source, mount.propagation)
            ? 'rprivate'
            : mount.propagation,
      }
    case 'volume': {
      const root = await hosts.volume(mount.name)
      const source = mount.subpath === '' ? root : subpath(root, mount.subpath)
      return { kind: 'bind', source, destination, readOnly, recursive: true, propagation: 'rprivate' }
    }
    case 'image': {
      const root = await hosts.image(mount)
      const source = mount.subpath === '' ? root : subpath(root, mount.subpath)
      return { kind: 'bind', source, destination, readOnly: true, recursive: true, propagation: 'rprivate' }
    }
  }
}

function createSource(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
  } catch (error) {
    // A file, a socket or a device is a fine source too.
    if (errnoOf(error) === 'EEXIST') return
    throw new InvalidArgumentError(
      `error while creating mount source path '${path}': mkdir ${path}: ${errnoOf(error) ?? 'failed'}`,
      { cause: error },
    )
  }
}

function subpath(root: string, path: string): string {
  const found = findBeneath(root, path)
  if (found !== null) return found
  const shown = join(root, path)
  throw new InvalidArgumentError(`cannot access path ${shown}: lstat ${shown}: no such file or directory`)
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
