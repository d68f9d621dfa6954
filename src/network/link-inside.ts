import { closeSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { homeNetns, inNetns, openNetns } from '#kernel/netns.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { formatAddress, parseCidr } from './cidr.ts'
import type { Subnet } from './cidr.ts'
import { endpointSysctls, sysctl } from './sysctl.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

/** Works on the links inside a container's namespace, from outside. */
export class LinkInside implements Disposable {
  readonly netnsFd: number
  readonly #netlink: Rtnetlink

  constructor(netnsPath: string) {
    this.netnsFd = openNetns(netnsPath)
    this.#netlink = inNetns(this.netnsFd, () => new Rtnetlink())
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]()
    closeSync(this.netnsFd)
  }

  /** Runs synchronous work in the namespace. */
  run<T>(work: () => T): T {
    return inNetns(this.netnsFd, work)
  }

  /** Gives a new link its addresses and brings it up. */
  configure(record: NetworkRecord, endpoint: EndpointRecord): void {
    const { ifname } = endpoint
    if (ifname === null) return
    const { index } = this.#netlink.link(ifname)
    this.run(() => {
      sysctl(`ipv6/conf/${ifname}/disable_ipv6`, endpoint.ipv6 === null ? '1' : '0')
      // The addresses are ours to give: no router's advertisement adds others.
      if (endpoint.ipv6 !== null) sysctl(`ipv6/conf/${ifname}/accept_ra`, '0')
      // Where a MAC does not follow from the address, neighbours may know another for it: it is announced when the link comes up.
      if (record.driver === 'macvlan' || Boolean(endpoint.settings.MacAddress)) {
        sysctl(`ipv4/conf/${ifname}/arp_notify`, '1')
        sysctl(`ipv6/conf/${ifname}/ndisc_notify`, '1')
      }
      for (const [path, value] of endpointSysctls(endpoint.settings, ifname)) sysctl(path, value)
    })
    for (const pool of record.pools) {
      const address = pool.family === 4 ? endpoint.ipv4 : endpoint.ipv6
      if (address === null || !inSubnet(address, pool.subnet)) continue
      this.#netlink.addAddress(index, address, parseCidr(pool.subnet).subnet.prefix)
    }
    if (endpoint.foreign !== undefined) this.#addForeign(index, record, endpoint)
    for (const address of endpoint.settings.IPAMConfig?.LinkLocalIPs ?? []) {
      this.#netlink.addAddress(index, address, address.includes(':') ? 64 : 16)
    }
    this.#netlink.setLink(index, { up: true })
    for (const { destination, via } of endpoint.foreign?.routes ?? []) {
      const { subnet } = parseCidr(destination)
      this.#netlink.addRoute({
        family: subnet.family,
        destination: { address: destination.replace(/\/.*$/, ''), prefix: subnet.prefix },
        index,
        replace: true,
        ...(via !== null && { gateway: via }),
      })
    }
  }

  /** Addresses that are of no pool of the network: a plugin chose them. */
  #addForeign(index: number, record: NetworkRecord, endpoint: EndpointRecord): void {
    for (const family of [4, 6] as const) {
      const address = family === 4 ? endpoint.ipv4 : endpoint.ipv6
      if (
        address === null ||
        record.pools.some((pool) => pool.family === family && inSubnet(address, pool.subnet))
      )
        continue
      this.#netlink.addAddress(index, address, endpoint.foreign?.prefixes[family] ?? 0)
    }
  }

  /** Moves a link of the host that a plugin made to the inside, under its name there, and configures it. */
  takeLink(host: Rtnetlink, record: NetworkRecord, endpoint: EndpointRecord): void {
    const { ifname, mac } = endpoint
    const link = endpoint.foreign?.link ?? null
    if (link === null || ifname === null) return
    host.setLink(host.link(link).index, { netnsFd: this.netnsFd, name: ifname })
    const inside = this.#netlink.link(ifname)
    if (mac !== null && inside.mac !== mac) this.#netlink.setLink(inside.index, { mac })
    this.configure(record, endpoint)
  }

  /** Moves such a link back to the host, for the plugin to delete it. Idempotent. */
  handBackLink(endpoint: EndpointRecord): void {
    const { ifname } = endpoint
    const link = endpoint.foreign?.link ?? null
    if (link === null || ifname === null) return
    try {
      const { index } = this.#netlink.link(ifname)
      this.#netlink.setLink(index, { up: false })
      this.#netlink.setLink(index, { netnsFd: homeNetns(), name: link })
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    }
  }

  /** One more subnet is reached directly on this link. */
  addSubnet(ifname: string, subnet: Subnet): void {
    const destination = {
      address: formatAddress({ family: subnet.family, value: subnet.first }),
      prefix: subnet.prefix,
    }
    const { index } = this.#netlink.link(ifname)
    this.#netlink.addRoute({ family: subnet.family, destination, index, replace: true })
  }

  /** Makes this the default route of a family, or (null) takes the default route away. */
  setGateway(
    family: 4 | 6,
    gateway: { readonly ifname: string; readonly address: string | null } | null,
  ): void {
    if (gateway === null) {
      try {
        this.#netlink.deleteDefaultRoute(family)
      } catch (error) {
        if (!['ESRCH', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
      }
      return
    }
    const { index } = this.#netlink.link(gateway.ifname)
    const via = gateway.address === null ? {} : { gateway: gateway.address }
    try {
      this.#netlink.addRoute({ family, index, replace: true, ...via })
    } catch (error) {
      // Somebody (CNI) made this very route behind another: the other is in the way.
      if (errnoOf(error) !== 'EEXIST') throw error
      this.#netlink.deleteDefaultRoute(family)
    }
  }

  /** Takes a link away that has no host end (macvlan): silent at once, gone a little later. Idempotent. */
  dropLink(ifname: string): void {
    try {
      this.#netlink.setLink(this.#netlink.link(ifname).index, { up: false })
    } catch (error) {
      if (errnoOf(error) === 'ENODEV') return
      throw error
    }
    const netlink = this.run(() => new Rtnetlink())
    // A failure means that it is gone with its namespace meanwhile.
    void netlink.deleteLinkAndClose(ifname).catch(() => {})
  }
}

function inSubnet(address: string, cidr: string): boolean {
  const { subnet } = parseCidr(cidr)
  const { value } = parseCidr(`${address}/${subnet.family === 4 ? '32' : '128'}`).address
  return subnet.first <= value && value <= subnet.last
}
