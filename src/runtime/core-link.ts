import { closeSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { unlinkat } from '#kernel/native/files.ts'
import { openParentBeneath } from '#kernel/paths.ts'
import type { ContainerMount } from './runtime.ts'

/**
 * Takes away the link /dev/core to /proc/kcore, which crun makes in a container and Docker has not. Call it before the
 * user's program runs.
 */
export function removeCoreLink(pid: number, mounts: readonly ContainerMount[]): void {
  // A /dev of the user's is not ours to change.
  if (mounts.some(({ destination }) => destination === '/dev')) return
  try {
    const { fd, name } = openParentBeneath(`/proc/${String(pid)}/root`, 'dev/core')
    try {
      unlinkat(fd, name, 0)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    // It has ended, its /dev is read-only, or the link is not there.
    if (!['ENOENT', 'ESRCH', 'EROFS', 'EACCES'].includes(errnoOf(error) ?? '')) throw error
  }
}
