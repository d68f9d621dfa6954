import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Who makes the cgroups of containers: the OCI runtime itself, or systemd, which it asks. */
export type CgroupDriver = 'cgroupfs' | 'systemd'

/** Where a container's cgroup is: as OCI's `cgroupsPath` says it, and the path in the hierarchies. */
export interface CgroupPlace {
  readonly spec: string
  readonly path: string
}

/** Docker's parent for containers under systemd. */
export const DEFAULT_SLICE = 'system.slice'

/** The first part of the names of scopes: `wharf-<id>.scope`. */
const SCOPE_PREFIX = 'wharf'

/** The cgroup of a container below a parent: a path, or with systemd the name of a slice. */
export function cgroupPlace(driver: CgroupDriver, parent: string, id: string): CgroupPlace {
  if (driver === 'cgroupfs') {
    const path = join('/', parent, id)
    return { spec: path, path }
  }
  return {
    spec: `${parent}:${SCOPE_PREFIX}:${id}`,
    path: join(slicePath(parent), `${SCOPE_PREFIX}-${id}.scope`),
  }
}

/** The path of a slice, whose name says where it is (systemd.slice(5)): `a-b.slice` is in `a.slice`. */
export function slicePath(name: string): string {
  if (name === '-.slice') return '/'
  const parts = name.replace(/\.slice$/, '').split('-')
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/')}`
}

/** Tells whether systemd takes it for a parent: Docker's rule. */
export function isSliceName(parent: string): boolean {
  return parent.length > '.slice'.length && parent.endsWith('.slice')
}

/** The cgroup that a process is in (cgroups(7)): runtimes make one of their own in a scope. Null when it has ended. */
export function cgroupOfProcess(pid: number): string | null {
  try {
    const lines = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8')
      .trim()
      .split('\n')
    const fields = lines.map((line) => line.split(':'))
    const found =
      fields.find(([, controllers]) => controllers?.split(',').includes('memory')) ??
      fields.find(([hierarchy]) => hierarchy === '0')
    return found?.slice(2).join(':') ?? null
  } catch {
    return null
  }
}
