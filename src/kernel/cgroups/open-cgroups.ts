import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { UnavailableError, errnoOf } from '#errors/errors.ts'
import { mount, mountTable, type MountEntry } from '../mounts.ts'
import type { Cgroups } from './cgroups.ts'
import { readControlIfAny } from './files.ts'
import { SplitCgroups } from './v1.ts'
import { UnifiedCgroups } from './v2.ts'

const ROOT = '/sys/fs/cgroup'

/**
 * Finds out how this machine's cgroups are mounted (cgroups(7)): v2 alone, v1, or v1 with an empty v2 beside it
 * (hybrid). On a hybrid machine, controllers that were left on v2 are given their own v1 hierarchy, because crun refuses
 * to run beside them. Costs a read of the mount table: once, at start.
 * @throws UnavailableError when no cgroup hierarchy is mounted
 */
export function openCgroups(): Cgroups {
  const table = mountTable()
  if (table.some((entry) => entry.mountPoint === ROOT && entry.fstype === 'cgroup2'))
    return new UnifiedCgroups(ROOT)
  const mended = mendHybrid(table)
  const hierarchies = splitHierarchies(mended ? mountTable() : table)
  if (hierarchies.size === 0)
    throw new UnavailableError('no cgroup mount found: mount cgroup2 on /sys/fs/cgroup')
  return new SplitCgroups(hierarchies)
}

/** Mounts v1 hierarchies for the controllers that v2 holds. Tells whether anything was done. */
function mendHybrid(table: readonly MountEntry[]): boolean {
  const unified = table.find((entry) => entry.fstype === 'cgroup2' && entry.mountPoint.startsWith(`${ROOT}/`))
  if (unified === undefined) return false
  const left = (readControlIfAny(join(unified.mountPoint, 'cgroup.controllers')) ?? '')
    .split(' ')
    .filter(Boolean)
  for (const controller of left) {
    const target = join(ROOT, controller)
    mkdirSync(target, { recursive: true })
    try {
      mount(target, { source: 'cgroup', fstype: 'cgroup', data: controller })
    } catch (error) {
      // Two daemons may start at once; a controller in use below v2 cannot be moved, and crun then says so.
      if (errnoOf(error) !== 'EBUSY') throw error
    }
  }
  return left.length > 0
}

function splitHierarchies(table: readonly MountEntry[]): ReadonlyMap<string, string> {
  const hierarchies = new Map<string, string>()
  for (const entry of table) {
    if (!entry.mountPoint.startsWith(`${ROOT}/`)) continue
    if (entry.fstype === 'cgroup2') hierarchies.set('unified', entry.mountPoint)
    if (entry.fstype !== 'cgroup') continue
    for (const option of entry.superOptions) {
      if (option === 'rw' || option === 'ro' || option === 'xattr' || option === 'clone_children') continue
      if (!hierarchies.has(option)) hierarchies.set(option, entry.mountPoint)
    }
  }
  return hierarchies
}
