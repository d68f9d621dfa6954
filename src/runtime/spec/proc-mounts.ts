import { statfsSync } from 'node:fs'
import type { ContainerMount } from '../runtime.ts'
import { RuntimeFailure } from '../runtime-failure.ts'

/** Files of /proc that lxcfs and the like replace: runc's list of what may be mounted over. */
const REPLACEABLE = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/net/dev',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
])

/** statfs(2) */
const PROC_SUPER_MAGIC = 0x9fa0

/**
 * A mount that hides /proc or a part of it would let an image deceive the runtime, which writes a process' labels there; runc refuses
 * it, crun does not. @throws RuntimeFailure in runc's words
 */
export function checkProcMounts(mounts: readonly ContainerMount[]): void {
  for (const mount of mounts) {
    const { destination } = mount
    if (destination !== '/proc' && !destination.startsWith('/proc/')) continue
    const source = mount.kind === 'bind' ? mount.source : 'tmpfs'
    const why = destination === '/proc' ? 'it is not of type proc' : 'it is inside /proc'
    if (destination === '/proc' ? isProc(mount) : REPLACEABLE.has(destination)) continue
    throw new RuntimeFailure(
      'failed to create task for container: failed to create shim task: OCI runtime create failed: unable to start container process: ' +
        `error mounting ${JSON.stringify(source)} to rootfs at "${destination}": check proc-safety of ${destination} mount: ` +
        `"${destination}" cannot be mounted because ${why}`,
      { exitCode: 128 },
    )
  }
}

function isProc(mount: ContainerMount): boolean {
  if (mount.kind !== 'bind') return false
  try {
    return statfsSync(mount.source).type === PROC_SUPER_MAGIC
  } catch {
    // A source that cannot be seen is no /proc.
    return false
  }
}
