import { NetlinkMessage, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts'
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts'

// linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h
const RTM_NEWQDISC = 36
const RTM_NEWTFILTER = 44
const TCA_KIND = 1
const TCA_OPTIONS = 2
const TC_H_ROOT = 0xffffffff
const TC_H_INGRESS = 0xfffffff1
const TC_H_INGRESS_MAJOR = 0xffff0000
const ETH_P_ALL = 0x0003

/** A rate and how it is kept. */
export interface TokenBucket {
  readonly bytesPerSecond: number
  /** What may be sent at once. */
  readonly burstBytes: number
  /** What waits at most; the rest is dropped. */
  readonly queueBytes: number
}

/** Traffic control of the links of one network namespace (tc(8)). @throws KernelError with the kernel's own explanation. */
export class TrafficControl implements Disposable {
  readonly #socket: NetlinkSocket

  /** Opens it for the namespace that the thread is in now. */
  constructor() {
    this.#socket = NetlinkSocket.open(NETLINK_ROUTE)
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  /** Sends what leaves by a link no faster than this (tc-tbf(8)); replaces what was said before. */
  shape(index: number, bucket: TokenBucket): void {
    const message = trafficMessage(RTM_NEWQDISC, { index, handle: 0x10000, parent: TC_H_ROOT, flags: NLM_F_REPLACE }) // prettier-ignore
    const rate = Math.min(bucket.bytesPerSecond, 0xffffffff)
    // struct tc_tbf_qopt: rate, peakrate (none), limit, buffer, mtu. The buffer comes in bytes by its own attribute, in place of a table of times.
    const parameters = Buffer.alloc(36)
    const TC_LINKLAYER_ETHERNET = 1
    parameters.writeUInt8(TC_LINKLAYER_ETHERNET, 1)
    parameters.writeUInt32LE(rate, 8)
    parameters.writeUInt32LE(Math.min(bucket.queueBytes, 0xffffffff), 24)
    const wide = Buffer.alloc(8)
    wide.writeBigUInt64LE(BigInt(Math.round(bucket.bytesPerSecond)))
    message.text(TCA_KIND, 'tbf').nest(TCA_OPTIONS, () => {
      message.bytes(1, parameters)
      if (bucket.bytesPerSecond > rate) message.bytes(4, wide)
      message.u32(6, bucket.burstBytes)
    })
    this.#socket.request(message)
  }

  /** Sends all that comes in by a link out by another first (an ifb), where it can be shaped: it comes in when it has left that one. */
  redirectIncoming(index: number, through: number): void {
    const ingress = trafficMessage(RTM_NEWQDISC, { index, handle: TC_H_INGRESS_MAJOR, parent: TC_H_INGRESS, flags: NLM_F_EXCL }) // prettier-ignore
    const filter = trafficMessage(RTM_NEWTFILTER, { index, handle: 0, parent: TC_H_INGRESS_MAJOR, flags: NLM_F_EXCL, protocol: ETH_P_ALL }) // prettier-ignore
    filter.text(TCA_KIND, 'u32').nest(TCA_OPTIONS, () => {
      // struct tc_u32_sel with one key that everything fits (tc-u32(8): match u32 0 0), terminal.
      const selector = Buffer.alloc(32)
      selector.writeUInt8(1, 0)
      selector.writeUInt8(1, 2)
      filter.bytes(5, selector)
      filter.nest(7, () => {
        filter.nest(1, () => {
          filter.text(1, 'mirred').nest(2, () => filter.bytes(2, redirection(through)))
        })
      })
    })
    this.#socket.request(ingress.text(TCA_KIND, 'ingress'), filter)
  }
}

/** struct tc_mirred: index, capab, action, refcnt, bindcnt, eaction, ifindex. */
function redirection(index: number): Buffer {
  const TC_ACT_STOLEN = 4
  const TCA_EGRESS_REDIR = 1
  const bytes = Buffer.alloc(28)
  bytes.writeInt32LE(TC_ACT_STOLEN, 8)
  bytes.writeInt32LE(TCA_EGRESS_REDIR, 20)
  bytes.writeUInt32LE(index, 24)
  return bytes
}

function trafficMessage(
  type: number,
  options: {
    readonly index: number
    readonly handle: number
    readonly parent: number
    readonly flags: number
    readonly protocol?: number
  },
): NetlinkMessage {
  const PRIORITY = 1
  const fixed = Buffer.alloc(20)
  fixed.writeInt32LE(options.index, 4)
  fixed.writeUInt32LE(options.handle, 8)
  fixed.writeUInt32LE(options.parent, 12)
  if (options.protocol !== undefined) {
    // tcm_info of a filter: priority, and the protocol in network order.
    fixed.writeUInt16BE(options.protocol, 16)
    fixed.writeUInt16LE(PRIORITY, 18)
  }
  return new NetlinkMessage(type, { flags: options.flags | NLM_F_CREATE, fixed })
}
