import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import { BridgeDriver, bridgeName } from './bridge-driver.ts'
import type { AttachOptions, HostOptions } from './bridge-driver.ts'
import { parseBridgeOptions } from './bridge-options.ts'
import { isRelayed, PUBLISH_MODE } from './publishing.ts'
import type { Firewall } from './firewall.ts'
import type { LinkInside } from './link-inside.ts'
import { IpvlanDriver, parseIpvlanOptions } from './ipvlan-driver.ts'
import { MacvlanDriver, parseMacvlanOptions } from './macvlan-driver.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import type { OverlayDriver } from './overlay/overlay-driver.ts'
import { parseOverlayOptions } from './overlay/overlay-options.ts'
import type { DriverName, EndpointRecord, NetworkRecord } from './records.ts'

/** Sends what concerns links to the driver of the network. */
export class NetworkDrivers {
  readonly #netlink: Rtnetlink
  readonly #bridge: BridgeDriver
  readonly #macvlan: MacvlanDriver
  readonly #ipvlan: IpvlanDriver
  readonly #firewall: Firewall
  readonly #overlay: OverlayDriver

  constructor(
    netlink: Rtnetlink,
    firewall: Firewall,
    options: { readonly host: HostOptions; readonly overlay: OverlayDriver },
  ) {
    this.#netlink = netlink
    this.#firewall = firewall
    this.#bridge = new BridgeDriver(netlink, firewall, options.host)
    this.#macvlan = new MacvlanDriver(netlink)
    this.#ipvlan = new IpvlanDriver(netlink)
    this.#overlay = options.overlay
  }

  /**
   * Checks the options of a network to be, and names the link on the host that is the network's: `owned` when it is the network's to delete.
   * @throws InvalidArgumentError.
   */
  plan(record: NetworkRecord): { readonly link: string | null; readonly owned: boolean } {
    switch (record.driver) {
      case 'bridge': {
        const options = parseBridgeOptions(record.options)
        isRelayed([record.options[PUBLISH_MODE]], [])
        const isolated = options.gatewayMode[4] === 'isolated' || options.gatewayMode[6] === 'isolated'
        if (isolated && !record.internal) {
          throw new InvalidArgumentError("gateway mode 'isolated' can only be used for an internal network")
        }
        const link = options.bridge ?? bridgeName(record)
        return { link, owned: !this.#hasLink(link) }
      }
      case 'macvlan':
      case 'ipvlan': {
        const parse = record.driver === 'macvlan' ? parseMacvlanOptions : parseIpvlanOptions
        const { parent } = parse(record.options)
        return { link: parent, owned: !this.#hasLink(parent) }
      }
      case 'overlay':
        parseOverlayOptions(record.options)
        if (!record.enableIPv4) throw new InvalidArgumentError('overlay networks need IPv4')
        if (record.ipamDriver !== 'default') {
          throw new InvalidArgumentError(
            `overlay networks have their addresses from the cluster store, not from the IPAM driver "${record.ipamDriver}"`,
          )
        }
        return { link: null, owned: false }
      default:
        return { link: null, owned: false }
    }
  }

  /** Makes the network stand; idempotent. */
  ensure(record: NetworkRecord, options: { readonly quiet: boolean }): void {
    if (record.configOnly) return
    if (record.driver === 'bridge') this.#bridge.ensure(record, options)
    else if (record.driver === 'macvlan') this.#macvlan.ensure(record)
    else if (record.driver === 'ipvlan') this.#ipvlan.ensure(record)
  }

  /** Resolves when the firewall knows what was made. */
  settled(): Promise<void> {
    return this.#firewall.settled()
  }

  /** Takes the network away. */
  async remove(record: NetworkRecord): Promise<void> {
    if (record.configOnly) return
    if (record.driver === 'bridge') await this.#bridge.remove(record)
    else if (record.driver === 'macvlan' || record.driver === 'ipvlan') await this.#macvlan.remove(record)
  }

  /** Deletes what networks left that are forgotten. */
  sweep(isKnown: (networkId: string) => boolean): void {
    this.#bridge.sweep(isKnown)
  }

  /** Mends the host's end of a running container. */
  adopt(record: NetworkRecord, endpoint: EndpointRecord): void {
    if (record.driver === 'bridge') this.#bridge.adopt(record, endpoint)
    else if (record.driver === 'overlay') this.#overlay.adopt(record)
  }

  attach(record: NetworkRecord, endpoint: EndpointRecord, options: AttachOptions): void {
    if (record.driver === 'bridge') this.#bridge.attach(record, endpoint, options)
    else if (record.driver === 'macvlan') this.#macvlan.attach(record, endpoint, options.inside)
    else if (record.driver === 'ipvlan') this.#ipvlan.attach(record, endpoint, options.inside)
    else if (record.driver === 'overlay') this.#overlay.attach(record, endpoint, options.inside)
    else if (endpoint.foreign?.link) options.inside.takeLink(this.#netlink, record, endpoint)
  }

  /** An endpoint that published nothing is about to: what it sends to its own port must come back to it. */
  allowHairpin(record: NetworkRecord, endpoint: EndpointRecord): void {
    if (record.driver === 'bridge') this.#bridge.allowHairpin(endpoint)
  }

  /** Unplugs an endpoint; `inside` is null when its namespace is gone. Nothing passes when it returns. Idempotent. */
  detach(endpoint: EndpointRecord, inside: LinkInside | null): void {
    if (this.#overlay.holds(endpoint.networkId)) this.#overlay.detach(endpoint)
    else if (endpoint.foreign !== undefined) inside?.handBackLink(endpoint)
    else if (endpoint.hostLink !== null) this.#bridge.detach(endpoint)
    else if (endpoint.ifname !== null) inside?.dropLink(endpoint.ifname)
  }

  #hasLink(name: string): boolean {
    return this.#netlink.links().some((link) => link.name === name)
  }
}

/** The driver of this name, of those that are ours. @throws NotFoundError. */
export function parseDriver(name: string): DriverName {
  switch (name) {
    case '':
    case 'bridge':
      return 'bridge'
    case 'macvlan':
    case 'ipvlan':
    case 'overlay':
    case 'host':
    case 'null':
      return name
    default:
      throw new NotFoundError(`plugin "${name}" not found`)
  }
}
