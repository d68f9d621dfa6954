import { errnoOf } from '#errors/errors.ts'
import { NetlinkMessage, parseAttributes } from './netlink/message.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink/socket.ts'
import { nfgenmsg } from './nftables.ts'

// linux/netfilter/nfnetlink_conntrack.h
const NFNL_SUBSYS_CTNETLINK = 1
const IPCTNL_MSG_CT_GET = 1
const IPCTNL_MSG_CT_DELETE = 2
const CTA_TUPLE_ORIG = 1
const CTA_TUPLE_PROTO = 2
const CTA_PROTO_NUM = 1
const CTA_PROTO_DST_PORT = 3
const IPPROTO_UDP = 17

/**
 * Makes the kernel forget the UDP flows to these ports, in the namespace that the thread is in. A UDP flow goes on for as long as packets come, wherever it went first:
 * without this a client that never pauses would not reach the port's new owner.
 */
export function forgetUdpFlows(ports: ReadonlySet<number>): void {
  using socket = NetlinkSocket.open(NETLINK_NETFILTER)
  for (const reply of socket.query(message(IPCTNL_MSG_CT_GET, 0), { dump: true })) {
    const family = reply.payload.readUInt8(0)
    const tuple = parseAttributes(reply.payload, 4).get(CTA_TUPLE_ORIG)
    const protocol = tuple === undefined ? undefined : parseAttributes(tuple).get(CTA_TUPLE_PROTO)
    if (tuple === undefined || protocol === undefined) continue
    const fields = parseAttributes(protocol)
    if (fields.get(CTA_PROTO_NUM)?.readUInt8() !== IPPROTO_UDP) continue
    if (!ports.has(fields.get(CTA_PROTO_DST_PORT)?.readUInt16BE() ?? -1)) continue
    try {
      socket.request(message(IPCTNL_MSG_CT_DELETE, family).nest(CTA_TUPLE_ORIG, (nest) => nest.raw(tuple)))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error // It ended meanwhile.
    }
  }
}

function message(type: number, family: number): NetlinkMessage {
  return new NetlinkMessage((NFNL_SUBSYS_CTNETLINK << 8) | type, { flags: 0, fixed: nfgenmsg(family, 0) })
}
