import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { TrafficControl } from '#kernel/netlink/traffic-control.ts'
import { bucketFor } from './rates.ts'
import type { Rates } from './rates.ts'

/**
 * Limits a container by the host's end of its link, in the namespace that the thread and `netlink` are in. What the container receives leaves by that
 * end; what it sends is led through an ifb, since only what leaves can be shaped.
 */
export function limitLink(netlink: Rtnetlink, hostLink: string, rates: Rates): void {
  using traffic = new TrafficControl()
  const { index } = netlink.link(hostLink)
  if (rates.down !== null) traffic.shape(index, bucketFor(rates.down))
  if (rates.up === null) return
  const name = shaperName(hostLink)
  netlink.addLink(name, { kind: 'ifb' }, { up: true })
  const shaper = netlink.link(name)
  traffic.shape(shaper.index, bucketFor(rates.up))
  traffic.redirectIncoming(index, shaper.index)
}

/** The link through which goes what a limited container sends: named after the host's end, so that the record names both. */
export function shaperName(hostLink: string): string {
  return hostLink.replace(/^veth/, 'ifb')
}
