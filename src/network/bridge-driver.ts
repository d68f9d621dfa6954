import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { Link, LinkAddress, Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { parseBridgeOptions } from './bridge-options.ts'
import type { BridgeOptions, GatewayMode } from './bridge-options.ts'
import { parseCidr } from './cidr.ts'
import { limitLink, shaperName } from './link-shaper.ts'
import type { BridgeRules, Firewall } from './firewall.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'
import { sysctl } from './sysctl.ts'
import type { LinkInside } from './link-inside.ts'

const ALIAS = 'wharf'

/** What drivers may do to the host, and how they mark what is theirs there. */
export interface HostOptions {
  /** Turn forwarding on where a network needs it. */
  readonly forward: boolean
  /** IPv4 has rules: they keep strangers from 127.0.0.0/8, which bridges may then route. */
  readonly filtersIPv4: boolean
  /** Names the daemon: part of the alias of the links that it makes (ip-link(8)). */
  readonly tag: string
}

/** Where and for whom an endpoint is plugged in. */
export interface AttachOptions {
  readonly inside: LinkInside
  readonly publishes: boolean
}

/**
 * Bridge networks: a bridge on the host, a veth pair per container, the container's end made in its namespace under its final name.
 * All calls are synchronous: netlink answers at once.
 */
export class BridgeDriver {
  readonly #netlink: Rtnetlink
  readonly #firewall: Firewall
  readonly #host: HostOptions

  constructor(netlink: Rtnetlink, firewall: Firewall, host: HostOptions) {
    this.#netlink = netlink
    this.#firewall = firewall
    this.#host = host
  }

  /**
   * Makes sure that the network stands: link, addresses, firewall. Idempotent: after a restart it mends what is missing.
   * @param options.quiet leaves the firewall to a later `install`.
   */
  ensure(record: NetworkRecord, options: { readonly quiet: boolean }): void {
    const parsed = parseBridgeOptions(record.options)
    const link = this.#ensureLink(record, parsed)
    // Also of a bridge that was there: the default bridge gets IPv6 when a flag says so.
    if (record.enableIPv6) sysctl(`ipv6/conf/${link.name}/disable_ipv6`, '0')
    const present = this.#netlink.addresses().filter((entry) => entry.index === link.index)
    for (const pool of record.pools) {
      if (!hasGatewayAddress(record, parsed, pool.family) || pool.gateway === null) continue
      const prefix = parseCidr(pool.subnet).subnet.prefix
      if (present.some((entry) => entry.address === pool.gateway && entry.prefix === prefix)) continue
      this.#netlink.addAddress(link.index, pool.gateway, prefix)
    }
    if (record.ownsLink && record.name === 'bridge') this.#forgetStrangers(record, present)
    if (!link.up) this.#netlink.setLink(link.index, { up: true })
    if (record.enableIPv6 && this.#host.forward) {
      sysctl('ipv6/conf/default/forwarding', '1')
      sysctl('ipv6/conf/all/forwarding', '1')
    }
    this.#firewall.addBridge(bridgeRules(record, parsed), options)
  }

  /** Deletes bridges that this daemon made for networks that are no more: it died between forgetting and deleting. */
  sweep(isKnown: (networkId: string) => boolean): void {
    for (const link of this.#netlink.links()) {
      const [mark, tag, networkId] = link.alias?.split(' ') ?? []
      if (link.kind !== 'bridge' || mark !== ALIAS || tag !== this.#host.tag || networkId === undefined)
        continue
      if (!isKnown(networkId)) void this.#netlink.deleteLinkOffThread(link.name).catch(() => {})
    }
  }

  /** Plugs a running container in again whose bridge was taken away and is back. */
  adopt(record: NetworkRecord, endpoint: EndpointRecord): void {
    const link = endpoint.hostLink === null ? null : this.#find(endpoint.hostLink)
    const bridge = this.#find(bridgeName(record))
    if (link === null || bridge === null || link.master === bridge.index) return
    this.#netlink.setLink(link.index, { master: bridge.index, up: true })
  }

  /** Takes the network away; links of containers are gone by then. A bridge that was there before the network stays. */
  async remove(record: NetworkRecord): Promise<void> {
    this.#firewall.removeBridge(bridgeName(record))
    if (!record.ownsLink) return
    // Deletion waits for grace periods of the kernel: without its addresses it is out of everybody's way at once.
    this.#forgetAddresses(record)
    try {
      await this.#netlink.deleteLinkOffThread(bridgeName(record))
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    }
  }

  /** Takes IPv6 addresses away that the network had before a flag changed: hosts would go on to use them. */
  #forgetStrangers(record: NetworkRecord, present: readonly LinkAddress[]): void {
    const own = new Set(record.pools.map((pool) => pool.gateway))
    for (const { index, address, prefix } of present) {
      const stranger = address.includes(':') && !address.startsWith('fe80:') && !own.has(address)
      if (stranger) this.#netlink.deleteAddress(index, address, prefix)
    }
  }

  #forgetAddresses(record: NetworkRecord): void {
    try {
      const link = this.#netlink.link(bridgeName(record))
      for (const entry of this.#netlink.addresses()) {
        if (entry.index === link.index && !entry.address.startsWith('fe80:')) {
          this.#netlink.deleteAddress(link.index, entry.address, entry.prefix)
        }
      }
    } catch (error) {
      if (!['ENODEV', 'EADDRNOTAVAIL'].includes(errnoOf(error) ?? '')) throw error
    }
  }

  /**
   * Plugs a container in: the veth pair, its address, the link up. Routes are the sandbox's own. `publishes`: with br_netfilter, what the container
   * sends to its own published port is translated inside the bridge and must leave by the port that it came in (hairpin).
   */
  attach(record: NetworkRecord, endpoint: EndpointRecord, options: AttachOptions): void {
    const { inside } = options
    const parsed = parseBridgeOptions(record.options)
    if (endpoint.hostLink === null || endpoint.ifname === null) return
    // A bridge that somebody deleted comes back when it is needed.
    if (this.#find(bridgeName(record)) === null) this.ensure(record, { quiet: false })
    const bridge = this.#netlink.link(bridgeName(record))
    const { mtu } = parsed
    this.#netlink.addLink(
      endpoint.hostLink,
      { kind: 'veth', peer: { name: endpoint.ifname, mac: endpoint.mac, mtu, netnsFd: inside.netnsFd } },
      { master: bridge.index, mtu, up: true },
    )
    if (!parsed.icc || options.publishes) {
      const { index } = this.#netlink.link(endpoint.hostLink)
      this.#netlink.setBridgePort(index, { isolated: !parsed.icc, hairpin: options.publishes })
    }
    if (endpoint.rates !== undefined) limitLink(this.#netlink, endpoint.hostLink, endpoint.rates)
    inside.configure(record, endpoint)
  }

  /** As `publishes` of `attach`, for a container that is plugged in. */
  allowHairpin(endpoint: EndpointRecord): void {
    const link = endpoint.hostLink === null ? null : this.#find(endpoint.hostLink)
    if (link !== null) this.#netlink.setBridgePort(link.index, { hairpin: true })
  }

  /** Unplugs a container: nothing passes any more when it returns; the links go in the background. Idempotent. */
  detach(endpoint: EndpointRecord): void {
    const { hostLink } = endpoint
    if (hostLink === null) return
    if (typeof endpoint.rates?.up === 'number') this.#deleteLater(shaperName(hostLink))
    try {
      this.#netlink.setLink(this.#netlink.link(hostLink).index, { up: false })
    } catch (error) {
      if (errnoOf(error) === 'ENODEV') return
      throw error
    }
    this.#deleteLater(hostLink)
  }

  /** A failure means that it is gone already. */
  #deleteLater(link: string): void {
    void this.#netlink.deleteLinkOffThread(link).catch(() => {})
  }

  #ensureLink(record: NetworkRecord, options: BridgeOptions): Link {
    const name = bridgeName(record)
    const found = this.#find(name)
    if (found !== null) {
      if (found.kind !== 'bridge') throw new InvalidArgumentError(`device ${name} exists and is not a bridge`)
      this.#routeLoopback(name)
      return found
    }
    // A fixed MAC: else the bridge takes the lowest of its ports', and peers' ARP entries go stale as containers come and go.
    const mac = `02:42:${record.id.slice(0, 8).replaceAll(/(..)(?=.)/g, '$1:')}`
    this.#netlink.addLink(name, { kind: 'bridge' }, { mac, mtu: options.mtu })
    const ipv6 = record.enableIPv6
    this.#routeLoopback(name)
    sysctl(`ipv6/conf/${name}/accept_ra`, '0')
    sysctl(`ipv6/conf/${name}/disable_ipv6`, ipv6 ? '0' : '1')
    const link = this.#netlink.link(name)
    this.#netlink.setLink(link.index, { alias: `${ALIAS} ${this.#host.tag} ${record.id}` })
    return link
  }

  /** For ports published at 127.0.0.1: without rules the daemon serves them, and the host's own loopback would lie open. */
  #routeLoopback(bridge: string): void {
    sysctl(`ipv4/conf/${bridge}/route_localnet`, this.#host.filtersIPv4 ? '1' : '0')
  }

  #find(name: string): Link | null {
    try {
      return this.#netlink.link(name)
    } catch (error) {
      if (errnoOf(error) === 'ENODEV') return null
      throw error
    }
  }
}

/** The name of a bridge network's bridge. */
export function bridgeName(record: NetworkRecord): string {
  return record.link ?? `br-${record.id.slice(0, 12)}`
}

/** Tells whether the bridge itself has the gateway's address. */
function hasGatewayAddress(record: NetworkRecord, options: BridgeOptions, family: 4 | 6): boolean {
  if (family === 4 && options.inhibitIPv4) return false
  return !(record.internal && options.gatewayMode[family] === 'isolated')
}

const ACCESS: Readonly<Record<GatewayMode, 'nat' | 'open' | 'routed'>> = {
  nat: 'nat',
  'nat-unprotected': 'open',
  routed: 'routed',
  isolated: 'nat',
}

function bridgeRules(record: NetworkRecord, options: BridgeOptions): BridgeRules {
  // A routed family is not hidden behind the host's address.
  const natted = ([4, 6] as const).filter((family) => options.gatewayMode[family] !== 'routed')
  return {
    bridge: bridgeName(record),
    subnets: record.pools.map((pool) => pool.subnet),
    masquerade: options.masquerade ? natted : [],
    source: options.source,
    internal: record.internal,
    access: { 4: ACCESS[options.gatewayMode[4]], 6: ACCESS[options.gatewayMode[6]] },
  }
}
