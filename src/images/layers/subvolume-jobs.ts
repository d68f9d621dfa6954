import { chmodSync, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '#errors/errors.ts'
import {
  createSubvolume,
  destroySubvolume,
  forgetQuotaGroup,
  isSubvolume,
  limitSubvolume,
  snapshotSubvolume,
  subvolumeNumber,
} from '#kernel/btrfs.ts'
import { syncFileSystem } from '#kernel/fs-sync.ts'
import type { Job } from '../worker/job.ts'
import { copyLayers } from './copy-job.ts'

/** Makes a subvolume that shows a stack of layers: a copy of a lower part of the stack, and the layers above it. */
export async function stackSubvolume(
  parameters: { readonly from: string | null; readonly layers: readonly string[]; readonly tree: string },
  job: Job,
): Promise<void> {
  const { from, tree } = parameters
  if (from === null) {
    createSubvolume(tree)
    chmodSync(tree, 0o755)
  } else {
    snapshotSubvolume(from, tree)
  }
  await copyLayers({ ...parameters, ids: null }, job)
  syncFileSystem(tree)
}

/** Makes a snapshot that a container can write to, at most `sizeBytes`. */
export function snapshotForWriting(parameters: {
  readonly from: string
  readonly tree: string
  readonly sizeBytes: number | null
}): Promise<void> {
  snapshotSubvolume(parameters.from, parameters.tree)
  if (parameters.sizeBytes !== null) limitSubvolume(parameters.tree, parameters.sizeBytes)
  return Promise.resolve()
}

/**
 * Destroys a subvolume, if it is there. Containers can make subvolumes within: then it stays, and is removed file by
 * file as every directory is (rmdir(2) removes an empty subvolume since Linux 4.18).
 */
export function removeSubvolume(parameters: { readonly tree: string }): Promise<void> {
  const { tree } = parameters
  if (!existsSync(tree) || !isSubvolume(tree)) return Promise.resolve()
  const number = subvolumeNumber(tree)
  try {
    destroySubvolume(tree)
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY') return Promise.resolve()
    throw error
  }
  try {
    forgetQuotaGroup(dirname(tree), number)
  } catch (error) {
    // Without quotas there is none; while the kernel frees the blocks it is busy, and goes with them (Linux 6.11).
    if (!['EBUSY', 'ENOENT', 'ENOTCONN', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error
  }
  return Promise.resolve()
}
