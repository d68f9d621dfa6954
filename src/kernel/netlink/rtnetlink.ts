import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts'
import {
  NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  parseAttributes,
  textOf,
} from './message.ts'
import { bytesToIp, bytesToMac, ipToBytes, macToBytes } from './addresses.ts'

// linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h
const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_GETLINK = 18
const RTM_SETLINK = 19
const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const RTM_GETADDR = 22
const RTM_NEWROUTE = 24
const RTM_DELROUTE = 25
const RTM_GETROUTE = 26
const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_LINK = 5
const IFLA_MASTER = 10
const IFLA_PROTINFO = 12
const IFLA_LINKINFO = 18
const IFLA_NET_NS_FD = 28
const IFLA_IFALIAS = 20
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const VETH_INFO_PEER = 1
const IFF_UP = 1
const AF_UNSPEC = 0
const AF_INET = 2
const AF_INET6 = 10
const AF_BRIDGE = 7

/** A link as the kernel lists it. */
export interface Link {
  readonly index: number
  readonly name: string
  readonly kind: string | null
  readonly mac: string | null
  readonly mtu: number
  readonly up: boolean
  readonly master: number | null
  readonly alias: string | null
  /** The link beneath (a VLAN's parent) or the peer of a veth. */
  readonly parent: number | null
}

/** An address on a link. */
export interface LinkAddress {
  readonly index: number
  readonly address: string
  readonly prefix: number
}

/** A route; `destination` null is the default route. */
export interface Route {
  readonly family: 4 | 6
  readonly destination: string | null
  readonly prefix: number
  readonly gateway: string | null
  readonly index: number | null
  readonly table: number
}

/** What distinguishes kinds of links. */
export type LinkKind =
  | { readonly kind: 'bridge' }
  | { readonly kind: 'dummy' }
  | { readonly kind: 'ifb' }
  | { readonly kind: 'veth'; readonly peer: LinkOptions & { readonly name: string } }
  | {
      readonly kind: 'macvlan'
      readonly parent: number
      readonly mode: 'private' | 'vepa' | 'bridge' | 'passthru'
    }
  | {
      readonly kind: 'ipvlan'
      readonly parent: number
      readonly mode: 'l2' | 'l3' | 'l3s'
      readonly flag: 'bridge' | 'private' | 'vepa'
    }
  | { readonly kind: 'vlan'; readonly parent: number; readonly id: number }
  | {
      readonly kind: 'vxlan'
      readonly id: number
      readonly port: number
      readonly local?: string
      /** Remembers behind which tunnel's end a MAC is, from what arrives. */
      readonly learns?: boolean
      readonly parent?: number
    }

/** What all links have. */
export interface LinkOptions {
  readonly mac?: string | null
  readonly mtu?: number | null
  readonly master?: number
  readonly up?: boolean
  /** The namespace to make the link in; absent: that of the socket. */
  readonly netnsFd?: number
}

const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 } as const
const IPVLAN_FLAGS = { bridge: 0, private: 1, vepa: 2 } as const
const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const

/**
 * Links, addresses, routes and neighbours of one network namespace (rtnetlink(7)). Each call is one message and its
 * acknowledgement. @throws KernelError with the kernel's own explanation.
 */
export class Rtnetlink implements Disposable {
  readonly #socket: NetlinkSocket

  /** Opens it for the namespace that the thread is in now. */
  constructor() {
    this.#socket = NetlinkSocket.open(NETLINK_ROUTE)
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  addLink(name: string, kind: LinkKind, options: LinkOptions = {}): void {
    const message = linkMessage(RTM_NEWLINK, { flags: NLM_F_CREATE | NLM_F_EXCL, up: options.up === true })
    putLinkOptions(message, name, options)
    if (kind.kind === 'macvlan' || kind.kind === 'ipvlan' || kind.kind === 'vlan')
      message.u32(IFLA_LINK, kind.parent)
    message.nest(IFLA_LINKINFO, () => {
      message.text(IFLA_INFO_KIND, kind.kind)
      putKindData(message, kind)
    })
    this.#socket.request(message)
  }

  /** Changes a link by index. */
  setLink(index: number, change: LinkOptions & { readonly name?: string; readonly alias?: string }): void {
    const message = linkMessage(RTM_NEWLINK, { flags: 0, index, up: change.up ?? null })
    putLinkOptions(message, change.name ?? null, change)
    if (change.alias !== undefined) message.text(IFLA_IFALIAS, change.alias)
    this.#socket.request(message)
  }

  /**
   * Sets flags of a bridge's port: `isolated` ports do not see each other, a `hairpin` port sends back what came from it; behind a port that does not
   * `learn` is only what the forwarding table says; `answersNeighbours`: the bridge answers ARP and ND for those it knows to be behind the port.
   */
  setBridgePort(
    index: number,
    port: {
      readonly isolated?: boolean
      readonly hairpin?: boolean
      readonly learns?: boolean
      readonly answersNeighbours?: boolean
    },
  ): void {
    const IFLA_BRPORT_MODE = 4
    const IFLA_BRPORT_LEARNING = 8
    const IFLA_BRPORT_NEIGH_SUPPRESS = 32
    const IFLA_BRPORT_ISOLATED = 33
    const message = linkMessage(RTM_SETLINK, { flags: 0, index, up: null, family: AF_BRIDGE })
    message.nest(IFLA_PROTINFO, () => {
      if (port.hairpin !== undefined) message.u8(IFLA_BRPORT_MODE, port.hairpin ? 1 : 0)
      if (port.isolated !== undefined) message.u8(IFLA_BRPORT_ISOLATED, port.isolated ? 1 : 0)
      if (port.learns !== undefined) message.u8(IFLA_BRPORT_LEARNING, port.learns ? 1 : 0)
      if (port.answersNeighbours !== undefined)
        message.u8(IFLA_BRPORT_NEIGH_SUPPRESS, port.answersNeighbours ? 1 : 0)
    })
    this.#socket.request(message)
  }

  /** Deletes a link by name; the peer of a veth goes with it. */
  deleteLink(name: string): void {
    this.#socket.request(linkMessage(RTM_DELLINK, { flags: 0, up: null }).text(IFLA_IFNAME, name))
  }

  /** As `deleteLink` in the namespace of the thread, without holding up this thread while the kernel waits for a grace period. */
  async deleteLinkOffThread(name: string): Promise<void> {
    await new Rtnetlink().deleteLinkAndClose(name)
  }

  /** As `deleteLinkOffThread`, in the namespace of this client, which is of no use afterwards. */
  async deleteLinkAndClose(name: string): Promise<void> {
    try {
      const message = linkMessage(RTM_DELLINK, { flags: 0, up: null }).text(IFLA_IFNAME, name)
      await this.#socket.requestOffThread(message)
    } finally {
      this[Symbol.dispose]()
    }
  }

  /** @throws KernelError ENODEV. */
  link(name: string): Link {
    const [reply] = this.#socket.query(
      linkMessage(RTM_GETLINK, { flags: 0, up: null }).text(IFLA_IFNAME, name),
    )
    return parseLink(reply?.payload ?? Buffer.alloc(16))
  }

  links(): Link[] {
    return this.#socket
      .query(linkMessage(RTM_GETLINK, { flags: 0, up: null }), { dump: true })
      .map((reply) => parseLink(reply.payload))
  }

  addAddress(index: number, address: LinkAddress['address'], prefix: number): void {
    this.#socket.request(addressMessage(RTM_NEWADDR, { index, address, prefix }))
  }

  deleteAddress(index: number, address: LinkAddress['address'], prefix: number): void {
    this.#socket.request(addressMessage(RTM_DELADDR, { index, address, prefix }))
  }

  addresses(): LinkAddress[] {
    const message = new NetlinkMessage(RTM_GETADDR, { flags: 0, fixed: Buffer.alloc(8) })
    return this.#socket.query(message, { dump: true }).map(({ payload }) => {
      const attributes = parseAttributes(payload, 8)
      const bytes = attributes.get(2) ?? attributes.get(1) ?? Buffer.alloc(4)
      return { index: payload.readUInt32LE(4), address: bytesToIp(bytes), prefix: payload.readUInt8(1) }
    })
  }

  /** Adds a route; `destination` null is the default route. `onlink` trusts that the gateway is reachable. */
  addRoute(route: {
    readonly family: 4 | 6
    readonly destination?: { readonly address: string; readonly prefix: number } | null
    readonly gateway?: string
    readonly index?: number
    readonly onlink?: boolean
    readonly replace?: boolean
  }): void {
    this.#socket.request(routeMessage(RTM_NEWROUTE, route))
  }

  /** @throws KernelError ESRCH when there is none. */
  deleteDefaultRoute(family: 4 | 6): void {
    this.#socket.request(routeMessage(RTM_DELROUTE, { family }))
  }

  /** The routes of the main table. */
  routes(family: 4 | 6): Route[] {
    const fixed = Buffer.alloc(12)
    fixed.writeUInt8(family === 4 ? AF_INET : AF_INET6)
    const message = new NetlinkMessage(RTM_GETROUTE, { flags: 0, fixed })
    return this.#socket
      .query(message, { dump: true })
      .map(({ payload }) => parseRoute(payload, family))
      .filter((route) => route.table === 254)
  }
}

function linkMessage(
  type: number,
  options: {
    readonly flags: number
    readonly index?: number
    readonly up: boolean | null
    readonly family?: number
  },
): NetlinkMessage {
  const fixed = Buffer.alloc(16)
  fixed.writeUInt8(options.family ?? AF_UNSPEC, 0)
  fixed.writeInt32LE(options.index ?? 0, 4)
  fixed.writeUInt32LE(options.up === true ? IFF_UP : 0, 8)
  fixed.writeUInt32LE(options.up === null ? 0 : IFF_UP, 12)
  return new NetlinkMessage(type, { flags: options.flags, fixed })
}

function putLinkOptions(message: NetlinkMessage, name: string | null, options: LinkOptions): void {
  if (name !== null) message.text(IFLA_IFNAME, name)
  if (options.mac !== undefined && options.mac !== null) message.bytes(IFLA_ADDRESS, macToBytes(options.mac))
  if (options.mtu !== undefined && options.mtu !== null) message.u32(IFLA_MTU, options.mtu)
  if (options.master !== undefined) message.u32(IFLA_MASTER, options.master)
  if (options.netnsFd !== undefined) message.u32(IFLA_NET_NS_FD, options.netnsFd)
}

function putKindData(message: NetlinkMessage, kind: LinkKind): void {
  switch (kind.kind) {
    case 'bridge':
    case 'dummy':
    case 'ifb':
      return
    case 'veth':
      message.nest(IFLA_INFO_DATA, () => {
        message.nest(VETH_INFO_PEER, () => {
          const peer = Buffer.alloc(16)
          if (kind.peer.up === true) {
            peer.writeUInt32LE(IFF_UP, 8)
            peer.writeUInt32LE(IFF_UP, 12)
          }
          message.raw(peer)
          putLinkOptions(message, kind.peer.name, kind.peer)
        })
      })
      return
    case 'macvlan':
      message.nest(IFLA_INFO_DATA, () => message.u32(1, MACVLAN_MODES[kind.mode]))
      return
    case 'ipvlan':
      message.nest(IFLA_INFO_DATA, () => {
        message.u16(1, IPVLAN_MODES[kind.mode]).u16(2, IPVLAN_FLAGS[kind.flag])
      })
      return
    case 'vlan':
      message.nest(IFLA_INFO_DATA, () => message.u16(1, kind.id))
      return
    case 'vxlan':
      message.nest(IFLA_INFO_DATA, () => {
        const port = Buffer.alloc(2)
        port.writeUInt16BE(kind.port)
        message
          .u32(1, kind.id)
          .bytes(15, port)
          .u8(7, kind.learns === true ? 1 : 0)
        // IFLA_VXLAN_LOCAL and IFLA_VXLAN_LOCAL6
        if (kind.local !== undefined) message.bytes(kind.local.includes(':') ? 17 : 4, ipToBytes(kind.local))
        if (kind.parent !== undefined) message.u32(3, kind.parent)
      })
      return
  }
}

function parseLink(payload: Buffer): Link {
  const attributes = parseAttributes(payload, 16)
  const info = attributes.get(IFLA_LINKINFO)
  const kind = info === undefined ? undefined : parseAttributes(info).get(IFLA_INFO_KIND)
  const name = attributes.get(IFLA_IFNAME)
  const mac = attributes.get(IFLA_ADDRESS)
  const alias = attributes.get(IFLA_IFALIAS)
  return {
    index: payload.readInt32LE(4),
    name: name === undefined ? '' : textOf(name),
    kind: kind === undefined ? null : textOf(kind),
    mac: mac?.length === 6 ? bytesToMac(mac) : null,
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE() ?? 0,
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    master: attributes.get(IFLA_MASTER)?.readUInt32LE() ?? null,
    alias: alias === undefined ? null : textOf(alias),
    parent: attributes.get(IFLA_LINK)?.readUInt32LE() ?? null,
  }
}

function addressMessage(type: number, options: LinkAddress): NetlinkMessage {
  const IFA_ADDRESS = 1
  const IFA_LOCAL = 2
  const IFA_F_NODAD = 2
  const bytes = ipToBytes(options.address)
  const fixed = Buffer.alloc(8)
  fixed.writeUInt8(bytes.length === 4 ? AF_INET : AF_INET6, 0)
  fixed.writeUInt8(options.prefix, 1)
  // Duplicate address detection would leave the address unusable for a second; ours are unique by the allocator.
  fixed.writeUInt8(bytes.length === 4 ? 0 : IFA_F_NODAD, 2)
  fixed.writeUInt32LE(options.index, 4)
  return new NetlinkMessage(type, { flags: NLM_F_CREATE | NLM_F_REPLACE, fixed })
    .bytes(IFA_LOCAL, bytes)
    .bytes(IFA_ADDRESS, bytes)
}

function routeMessage(
  type: number,
  route: {
    readonly family: 4 | 6
    readonly destination?: { readonly address: string; readonly prefix: number } | null
    readonly gateway?: string
    readonly index?: number
    readonly onlink?: boolean
    readonly replace?: boolean
  },
): NetlinkMessage {
  const RTN_UNICAST = 1
  const RTPROT_STATIC = 4
  const RT_SCOPE_LINK = 253
  const RTNH_F_ONLINK = 4
  const fixed = Buffer.alloc(12)
  fixed.writeUInt8(route.family === 4 ? AF_INET : AF_INET6, 0)
  fixed.writeUInt8(route.destination?.prefix ?? 0, 1)
  fixed.writeUInt8(254, 4)
  if (type === RTM_NEWROUTE) {
    fixed.writeUInt8(RTPROT_STATIC, 5)
    fixed.writeUInt8(route.gateway === undefined && route.family === 4 ? RT_SCOPE_LINK : 0, 6)
    fixed.writeUInt8(RTN_UNICAST, 7)
    if (route.onlink === true) fixed.writeUInt32LE(RTNH_F_ONLINK, 8)
  }
  const flags =
    type === RTM_NEWROUTE ? NLM_F_CREATE | (route.replace === true ? NLM_F_REPLACE : NLM_F_EXCL) : 0
  const message = new NetlinkMessage(type, { flags, fixed })
  if (route.destination !== undefined && route.destination !== null)
    message.bytes(1, ipToBytes(route.destination.address))
  if (route.gateway !== undefined) message.bytes(5, ipToBytes(route.gateway))
  if (route.index !== undefined) message.u32(4, route.index)
  return message
}

function parseRoute(payload: Buffer, family: 4 | 6): Route {
  const attributes = parseAttributes(payload, 12)
  const destination = attributes.get(1)
  const gateway = attributes.get(5)
  return {
    family,
    destination: destination === undefined ? null : bytesToIp(destination),
    prefix: payload.readUInt8(1),
    gateway: gateway === undefined ? null : bytesToIp(gateway),
    index: attributes.get(4)?.readUInt32LE() ?? null,
    table: attributes.get(15)?.readUInt32LE() ?? payload.readUInt8(4),
  }
}
