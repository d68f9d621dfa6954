import { bytesToIp, bytesToMac, ipToBytes, macToBytes } from './addresses.ts'
import { NetlinkMessage, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE, parseAttributes } from './message.ts'
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts'

// linux/rtnetlink.h, linux/neighbour.h
const RTM_NEWNEIGH = 28
const RTM_DELNEIGH = 29
const RTM_GETNEIGH = 30
const NDA_DST = 1
const NDA_LLADDR = 2
const NTF_SELF = 2
const NTF_MASTER = 4
const NUD_REACHABLE = 0x02
const NUD_NOARP = 0x40
const NUD_PERMANENT = 0x80
const AF_INET = 2
const AF_BRIDGE = 7
const AF_INET6 = 10

/** The destination of a VXLAN's frames that no other entry is for, broadcast among them. */
export const ALL_OTHERS = '00:00:00:00:00:00'

/** Who has `address` on a link: a permanent entry of the neighbour table. */
export interface Neighbour {
  readonly index: number
  readonly address: string
  readonly mac: string
}

/** Frames to `mac` leave a VXLAN to the tunnel's end `remote`. */
export interface Forwarding {
  /** The VXLAN link, a port of a bridge unless `mac` is ALL_OTHERS. */
  readonly index: number
  readonly mac: string
  readonly remote: string
}

/**
 * Neighbour and forwarding tables of one network namespace (rtnetlink(7), bridge(8)). Each call is one message and its
 * acknowledgement. @throws KernelError.
 */
export class Neighbours implements Disposable {
  readonly #socket: NetlinkSocket

  /** Opens it for the namespace that the thread is in now. */
  constructor() {
    this.#socket = NetlinkSocket.open(NETLINK_ROUTE)
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  set(entry: Neighbour): void {
    this.#socket.request(neighbourMessage(RTM_NEWNEIGH, entry))
  }

  /** @throws KernelError ENOENT when there is none. */
  delete(entry: Neighbour): void {
    this.#socket.request(neighbourMessage(RTM_DELNEIGH, entry))
  }

  /** The permanent entries of a link. */
  list(index: number): Neighbour[] {
    return [AF_INET, AF_INET6].flatMap((family) =>
      this.#dump(family).flatMap((payload) => {
        const attributes = parseAttributes(payload, 12)
        const address = attributes.get(NDA_DST)
        const mac = attributes.get(NDA_LLADDR)
        if (payload.readInt32LE(4) !== index || (payload.readUInt16LE(8) & NUD_PERMANENT) === 0) return []
        return address === undefined || mac === undefined
          ? []
          : [{ index, address: bytesToIp(address), mac: bytesToMac(mac) }]
      }),
    )
  }

  /** In the VXLAN and in the bridge that it is a port of; an entry for ALL_OTHERS is added beside those that are there. */
  setForwarding(entry: Forwarding): void {
    this.#socket.request(forwardingMessage(RTM_NEWNEIGH, entry))
  }

  /** @throws KernelError ENOENT when there is none. */
  deleteForwarding(entry: Forwarding): void {
    this.#socket.request(forwardingMessage(RTM_DELNEIGH, entry))
  }

  /** What a VXLAN sends where, without what it has learned by itself. */
  forwardings(index: number): Forwarding[] {
    return this.#dump(AF_BRIDGE).flatMap((payload) => {
      const attributes = parseAttributes(payload, 12)
      const remote = attributes.get(NDA_DST)
      const mac = attributes.get(NDA_LLADDR)
      const learned = (payload.readUInt16LE(8) & (NUD_NOARP | NUD_PERMANENT)) === 0
      if (payload.readInt32LE(4) !== index || learned || remote === undefined || mac === undefined) return []
      return [{ index, mac: bytesToMac(mac), remote: bytesToIp(remote) }]
    })
  }

  #dump(family: number): Buffer[] {
    const fixed = Buffer.alloc(12)
    fixed.writeUInt8(family)
    const message = new NetlinkMessage(RTM_GETNEIGH, { flags: 0, fixed })
    return this.#socket.query(message, { dump: true }).map(({ payload }) => payload)
  }
}

function neighbourMessage(type: number, entry: Neighbour): NetlinkMessage {
  const address = ipToBytes(entry.address)
  const fixed = header(address.length === 4 ? AF_INET : AF_INET6, entry.index)
  fixed.writeUInt16LE(NUD_PERMANENT, 8)
  return new NetlinkMessage(type, { flags: type === RTM_DELNEIGH ? 0 : NLM_F_CREATE | NLM_F_REPLACE, fixed })
    .bytes(NDA_DST, address)
    .bytes(NDA_LLADDR, macToBytes(entry.mac))
}

function forwardingMessage(type: number, entry: Forwarding): NetlinkMessage {
  const forAll = entry.mac === ALL_OTHERS
  const fixed = header(AF_BRIDGE, entry.index)
  // A bridge takes "permanent" for an address of its own: what is behind a port for good is "static" (NOARP).
  fixed.writeUInt16LE(forAll ? NUD_PERMANENT : NUD_NOARP | NUD_REACHABLE, 8)
  fixed.writeUInt8(forAll ? NTF_SELF : NTF_SELF | NTF_MASTER, 10)
  const flags = NLM_F_CREATE | (forAll ? NLM_F_APPEND : NLM_F_REPLACE)
  return new NetlinkMessage(type, { flags: type === RTM_DELNEIGH ? 0 : flags, fixed })
    .bytes(NDA_DST, ipToBytes(entry.remote))
    .bytes(NDA_LLADDR, macToBytes(entry.mac))
}

function header(family: number, index: number): Buffer {
  const fixed = Buffer.alloc(12)
  fixed.writeUInt8(family, 0)
  fixed.writeInt32LE(index, 4)
  return fixed
}
