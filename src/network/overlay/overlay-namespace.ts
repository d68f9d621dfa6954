import { closeSync } from 'node:fs'
import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import { ALL_OTHERS, Neighbours } from '#kernel/netlink/neighbours.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { createNetns, inNetns, openNetns, removeNetns } from '#kernel/netns.ts'
import { sysctl } from '../sysctl.ts'

/** The port that IANA gave to VXLAN (RFC 7348). */
const VXLAN_PORT = 4789
const LOOPBACK_INDEX = 1
const BRIDGE = 'br0'
const TUNNEL = 'vxlan0'

/** What a tunnel of a network is. */
export interface TunnelOptions {
  readonly vni: number
  /** This host's end. */
  readonly local: string
  readonly mtu: number
}

/** A container on another host. */
export interface Peer {
  readonly mac: string
  readonly addresses: readonly string[]
  /** The end of the tunnel at its host. */
  readonly remote: string
}

/**
 * An overlay network's own network namespace on this host: a bridge with a VXLAN link as one port and the containers' links as the others. The
 * VXLAN's packets leave through the host's namespace, where it was made; subnets may overlap the host's.
 *
 * The bridge answers ARP and ND for the containers of other hosts, and the VXLAN knows behind which host each MAC is. Broadcast, and what is not known,
 * goes to every host with containers of the network; besides, the VXLAN learns from what arrives: so a host whose daemon is down, or has lost the store,
 * still finds those that came after.
 */
export class OverlayNamespace implements Disposable {
  readonly path: string
  readonly netlink: Rtnetlink
  readonly #fd: number
  readonly #neighbours: Neighbours
  #bridgeIndex: number | null = null
  #tunnelIndex: number | null = null

  private constructor(path: string) {
    this.path = path
    this.#fd = openNetns(path)
    try {
      this.netlink = inNetns(this.#fd, () => new Rtnetlink())
      this.#neighbours = inNetns(this.#fd, () => new Neighbours())
    } catch (error) {
      closeSync(this.#fd)
      throw error
    }
  }

  /** Opens it, making what is missing of it. @param host a client in the host's namespace. */
  static ensure(path: string, options: TunnelOptions, host: Rtnetlink): OverlayNamespace {
    const found = OverlayNamespace.open(path)
    if (found === null) {
      createNetns(path, () => {
        using inside = new Rtnetlink()
        inside.setLink(LOOPBACK_INDEX, { up: true })
        // Nothing in here has addresses of its own: no neighbour discovery, no reports of multicast groups.
        sysctl('ipv6/conf/default/disable_ipv6', '1')
      })
    }
    const namespace = found ?? new OverlayNamespace(path)
    try {
      namespace.#furnish(options, host)
    } catch (error) {
      namespace[Symbol.dispose]()
      throw error
    }
    return namespace
  }

  /** Opens it as it stands; null when it is not there. */
  static open(path: string): OverlayNamespace | null {
    try {
      return new OverlayNamespace(path)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null
      // EINVAL: the file is there, the namespace that was mounted on it is not.
      if (errnoOf(error) !== 'EINVAL') throw error
      removeNetns(path)
      return null
    }
  }

  /** Lets go of it; it stays. */
  [Symbol.dispose](): void {
    this.netlink[Symbol.dispose]()
    this.#neighbours[Symbol.dispose]()
    closeSync(this.#fd)
  }

  /** Takes it away, and lets go of it. The kernel ends a namespace when it likes; the VXLAN's identifier is free when this resolves. */
  async remove(): Promise<void> {
    try {
      const netlink = inNetns(this.#fd, () => new Rtnetlink())
      await netlink.deleteLinkAndClose(TUNNEL)
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    } finally {
      this[Symbol.dispose]()
    }
    removeNetns(this.path)
  }

  /** The index of the bridge inside. */
  get bridgeIndex(): number {
    return (this.#bridgeIndex ??= this.netlink.link(BRIDGE).index)
  }

  get tunnelIndex(): number {
    return (this.#tunnelIndex ??= this.netlink.link(TUNNEL).index)
  }

  /** Runs synchronous work inside. */
  run<T>(work: () => T): T {
    return inNetns(this.#fd, work)
  }

  /** Deletes a link inside, without holding up this thread. */
  async deleteLinkLater(name: string): Promise<void> {
    await inNetns(this.#fd, () => new Rtnetlink()).deleteLinkAndClose(name)
  }

  addPeer(peer: Peer): void {
    const bridge = this.bridgeIndex
    const tunnel = this.tunnelIndex
    this.#neighbours.setForwarding({ index: tunnel, mac: peer.mac, remote: peer.remote })
    for (const address of peer.addresses) this.#neighbours.set({ index: bridge, address, mac: peer.mac })
  }

  removePeer(peer: Peer): void {
    const bridge = this.bridgeIndex
    const tunnel = this.tunnelIndex
    for (const address of peer.addresses) {
      tolerant(() => this.#neighbours.delete({ index: bridge, address, mac: peer.mac }))
    }
    tolerant(() => this.#neighbours.deleteForwarding({ index: tunnel, mac: peer.mac, remote: peer.remote }))
  }

  /** Broadcast goes to this host too. */
  addHost(remote: string): void {
    tolerant(() => this.#neighbours.setForwarding({ index: this.tunnelIndex, mac: ALL_OTHERS, remote }))
  }

  removeHost(remote: string): void {
    tolerant(() => this.#neighbours.deleteForwarding({ index: this.tunnelIndex, mac: ALL_OTHERS, remote }))
  }

  /** Makes the tables say exactly this. */
  setPeers(peers: readonly Peer[]): void {
    const bridge = this.bridgeIndex
    const tunnel = this.tunnelIndex
    const remotes = new Set(peers.map(({ remote }) => remote))
    const remoteOf = new Map(peers.map(({ mac, remote }) => [mac, remote]))
    const macOf = new Map(
      peers.flatMap(({ mac, addresses }) => addresses.map((address) => [address, mac] as const)),
    )
    for (const entry of this.#neighbours.forwardings(tunnel)) {
      const right =
        entry.mac === ALL_OTHERS ? remotes.has(entry.remote) : remoteOf.get(entry.mac) === entry.remote
      if (!right) tolerant(() => this.#neighbours.deleteForwarding(entry))
    }
    for (const entry of this.#neighbours.list(bridge)) {
      if (macOf.get(entry.address) !== entry.mac) tolerant(() => this.#neighbours.delete(entry))
    }
    for (const remote of remotes) this.addHost(remote)
    for (const peer of peers) this.addPeer(peer)
  }

  #furnish(options: TunnelOptions, host: Rtnetlink): void {
    const links = this.netlink.links()
    if (!links.some((link) => link.name === BRIDGE)) {
      this.netlink.addLink(BRIDGE, { kind: 'bridge' }, { mtu: options.mtu })
      this.run(() => {
        // For its neighbour table: IPv6 without an address (IN6_ADDR_GEN_MODE_NONE).
        sysctl(`ipv6/conf/${BRIDGE}/addr_gen_mode`, '1')
        sysctl(`ipv6/conf/${BRIDGE}/disable_ipv6`, '0')
      })
      this.netlink.setLink(this.bridgeIndex, { up: true })
    }
    const alias = `vni ${String(options.vni)} local ${options.local}`
    const tunnel = links.find((link) => link.name === TUNNEL)
    if (tunnel?.alias === alias) return
    // This host is known by another address now.
    if (tunnel !== undefined) this.netlink.deleteLink(TUNNEL)
    try {
      const kind = {
        kind: 'vxlan',
        id: options.vni,
        port: VXLAN_PORT,
        local: options.local,
        learns: true,
      } as const
      host.addLink(TUNNEL, kind, { mtu: options.mtu, netnsFd: this.#fd })
    } catch (cause) {
      if (errnoOf(cause) === 'EEXIST')
        throw new InvalidArgumentError(
          `the VXLAN identifier ${String(options.vni)} is in use on this host by another program's link`,
          { cause },
        )
      throw cause
    }
    const { index } = this.netlink.link(TUNNEL)
    this.netlink.setLink(index, { master: this.bridgeIndex, up: true })
    this.netlink.setBridgePort(index, { learns: false, answersNeighbours: true })
    this.netlink.setLink(index, { alias })
  }
}

/** What is there already, or gone already, is as it should be. */
function tolerant(step: () => void): void {
  try {
    step()
  } catch (error) {
    if (!['EEXIST', 'ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error
  }
}
