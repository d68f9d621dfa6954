import { realpathSync } from 'node:fs'
import { type MountEntry, mountTable } from '#kernel/mounts.ts'
import type { Propagation } from '../create/mount-record.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'

/** Tells whether mounts can go to and fro at a source, as the propagation wants it. */
export function canPropagate(source: string, propagation: Propagation): boolean {
  try {
    checkPropagation(source, propagation)
    return true
  } catch {
    return false
  }
}

/**
 * Mounts go to and fro only where the source lies in a mount that the host shares (mount_namespaces(7)).
 * @throws RuntimeFailure in Docker's words
 */
export function checkPropagation(source: string, propagation: string): void {
  const isShared = /^r?shared$/.test(propagation)
  if (!isShared && !/^r?slave$/.test(propagation)) return
  const mount = mountOf(realpathSync(source))
  if (mount === undefined) return
  const has = (kind: string): boolean => mount.propagation.some((field) => field.startsWith(kind))
  if (has('shared:') || (!isShared && has('master:'))) return
  const wanted = isShared ? 'a shared mount' : 'a shared or slave mount'
  throw new RuntimeFailure(`path ${source} is mounted on ${mount.mountPoint} but it is not ${wanted}`, {
    exitCode: 128,
  })
}

/** The mount that a path lies in: the deepest, and of several at one place the last. */
function mountOf(path: string): MountEntry | undefined {
  let found: MountEntry | undefined
  for (const entry of mountTable()) {
    const { mountPoint } = entry
    const holds = path === mountPoint || path.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`)
    if (holds && mountPoint.length >= (found?.mountPoint.length ?? 0)) found = entry
  }
  return found
}
