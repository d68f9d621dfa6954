import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '#base/logger.ts'
import { errnoOf, messageOf } from '#errors/errors.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { contains, parseAddress, parseCidr } from '../cidr.ts'
import type { LinkInside } from '../link-inside.ts'
import { limitLink, shaperName } from '../link-shaper.ts'
import type { EndpointRecord, NetworkRecord } from '../records.ts'
import { parseOverlayOptions, vniOf } from './overlay-options.ts'
import { OverlayNamespace } from './overlay-namespace.ts'
import type { Peer } from './overlay-namespace.ts'

/** What the driver is made of. */
export interface OverlayDriverParts {
  /** In the host's namespace. */
  readonly netlink: Rtnetlink
  /** Where the names of the networks' namespaces are. */
  readonly directory: string
  readonly log: Logger
  /** This host's end of the tunnels. @throws UnavailableError when it has none now. */
  readonly local: () => string
  /** The containers of a network on other hosts. */
  readonly peersOf: (networkId: string) => readonly Peer[]
}

/** Links of overlay networks: a namespace for each network that has containers here. All calls but those that take a namespace away are synchronous. */
export class OverlayDriver {
  readonly #parts: OverlayDriverParts
  readonly #namespaces = new Map<string, OverlayNamespace>()
  readonly #leaving = new Map<string, Promise<void>>()
  /** Networks whose namespaces stand since before the daemon started. */
  readonly #found = new Set<string>()

  constructor(parts: OverlayDriverParts) {
    this.#parts = parts
  }

  /** Makes the network stand on this host, if it does not. Wait for `settled` before. */
  ensure(record: NetworkRecord): OverlayNamespace {
    const open = this.#namespaces.get(record.id)
    if (open !== undefined) return open
    const { directory, netlink, local, peersOf } = this.#parts
    mkdirSync(directory, { recursive: true, mode: 0o711 })
    const options = { vni: vniOf(record), local: local(), mtu: parseOverlayOptions(record.options).mtu }
    const namespace = OverlayNamespace.ensure(this.#path(record.id), options, netlink)
    this.#namespaces.set(record.id, namespace)
    namespace.setPeers(peersOf(record.id))
    return namespace
  }

  /** Plugs a container in. */
  attach(record: NetworkRecord, endpoint: EndpointRecord, inside: LinkInside): void {
    const { hostLink, ifname, mac } = endpoint
    if (hostLink === null || ifname === null) return
    const namespace = this.ensure(record)
    const { mtu } = parseOverlayOptions(record.options)
    namespace.netlink.addLink(
      hostLink,
      { kind: 'veth', peer: { name: ifname, mac, mtu, netnsFd: inside.netnsFd } },
      { master: namespace.bridgeIndex, mtu, up: true },
    )
    const { rates } = endpoint
    if (rates !== undefined) namespace.run(() => limitLink(namespace.netlink, hostLink, rates))
    inside.configure(record, endpoint)
    // All subnets of the network are on the one link.
    for (const { family, subnet } of record.pools) {
      const address = family === 4 ? endpoint.ipv4 : endpoint.ipv6
      const destination = parseCidr(subnet).subnet
      if (address !== null && !contains(destination, parseAddress(address)))
        inside.addSubnet(ifname, destination)
    }
  }

  /** True when the network stands on this host. */
  holds(networkId: string): boolean {
    return this.#namespaces.has(networkId) || this.#found.has(networkId)
  }

  /** After a restart: goes on keeping a network up in which containers run. What cannot be mended is logged: they run on. */
  adopt(record: NetworkRecord): void {
    try {
      this.ensure(record)
    } catch (error) {
      this.#parts.log.warn('cannot mend an overlay network', {
        network: record.name,
        reason: messageOf(error),
      })
    }
  }

  /** Unplugs a container: nothing passes any more when it returns. Idempotent. */
  detach(endpoint: EndpointRecord): void {
    const { hostLink } = endpoint
    const namespace =
      this.#namespaces.get(endpoint.networkId) ?? OverlayNamespace.open(this.#path(endpoint.networkId))
    if (hostLink === null || namespace === null) return
    this.#namespaces.set(endpoint.networkId, namespace)
    try {
      namespace.netlink.setLink(namespace.netlink.link(hostLink).index, { up: false })
    } catch (error) {
      if (errnoOf(error) === 'ENODEV') return
      throw error
    }
    const links = typeof endpoint.rates?.up === 'number' ? [hostLink, shaperName(hostLink)] : [hostLink]
    // A failure means that it is gone with its namespace meanwhile.
    for (const link of links) void namespace.deleteLinkLater(link).catch(() => {})
  }

  /** Resolves when a namespace of the network that was being taken away is gone. */
  async settled(networkId: string): Promise<void> {
    await this.#leaving.get(networkId)
  }

  /** Takes the network away from this host: it has no containers here any more. */
  retire(networkId: string): void {
    const namespace = this.#namespaces.get(networkId) ?? OverlayNamespace.open(this.#path(networkId))
    if (namespace === null) return
    this.#namespaces.delete(networkId)
    this.#found.delete(networkId)
    const done = namespace
      .remove()
      .catch((error: unknown) =>
        this.#parts.log.warn('cannot take an overlay network away', {
          network: networkId,
          reason: messageOf(error),
        }),
      )
      .finally(() => this.#leaving.delete(networkId))
    this.#leaving.set(networkId, done)
  }

  /** Takes away what a daemon that died has left. @param isUsed tells whether a network has containers here. */
  sweep(isUsed: (networkId: string) => boolean): void {
    const { directory } = this.#parts
    let names: string[]
    try {
      names = readdirSync(directory)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return
      throw error
    }
    for (const name of names) {
      this.#found.add(name)
      if (!isUsed(name)) this.retire(name)
    }
  }

  peerChanged(networkId: string, before: Peer | null, after: Peer | null): void {
    const namespace = this.#namespaces.get(networkId)
    if (namespace === undefined) return
    if (before !== null && JSON.stringify(before) !== JSON.stringify(after)) namespace.removePeer(before)
    if (after !== null) {
      namespace.addHost(after.remote)
      namespace.addPeer(after)
    }
    if (before === null || before.remote === after?.remote) return
    if (!this.#parts.peersOf(networkId).some(({ remote }) => remote === before.remote))
      namespace.removeHost(before.remote)
  }

  /** Lets go; the networks stay. */
  async close(): Promise<void> {
    await Promise.all(this.#leaving.values())
    for (const namespace of this.#namespaces.values()) namespace[Symbol.dispose]()
    this.#namespaces.clear()
  }

  #path(networkId: string): string {
    return join(this.#parts.directory, networkId)
  }
}
