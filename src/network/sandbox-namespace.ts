import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { LinkInside } from './link-inside.ts'
import type { SandboxRecord } from './records.ts'
import { sysctl } from './sysctl.ts'

const LOOPBACK_INDEX = 1
const SHARED_STACK =
  'container sharing network namespace with another container or host cannot be connected to any other network'

/** The namespace of a sandbox of its own. @throws InvalidArgumentError when it shares another's. */
export function namespaceOf(record: SandboxRecord): string {
  if (record.netnsPath === null) throw new InvalidArgumentError(SHARED_STACK)
  return record.netnsPath
}

/** The namespace of a sandbox, or null when it never came to be or is gone. */
export function openInside(record: SandboxRecord): LinkInside | null {
  if (record.netnsPath === null || record.endpoints.every((endpoint) => endpoint.hostLink !== null))
    return null
  try {
    return new LinkInside(record.netnsPath)
  } catch (error) {
    // EINVAL: the file is there, the mount is not.
    if (['ENOENT', 'EINVAL'].includes(errnoOf(error) ?? '')) return null
    throw error
  }
}

/** Runs in a new network namespace. */
export function prepareNetns(): void {
  using loopback = new Rtnetlink()
  loopback.setLink(LOOPBACK_INDEX, { up: true })
  // Docker's defaults: any user of the container may bind low ports and send pings.
  sysctl('ipv4/ip_unprivileged_port_start', '0')
  sysctl('ipv4/ping_group_range', '0 2147483647')
}
