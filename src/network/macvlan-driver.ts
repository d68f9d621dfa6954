import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { Link, Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { parseMtu } from './bridge-options.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'
import type { LinkInside } from './link-inside.ts'

const MODES = ['private', 'vepa', 'bridge', 'passthru'] as const

/** The options of the macvlan driver, read. */
export interface MacvlanOptions {
  readonly parent: string
  readonly mode: (typeof MODES)[number]
  /** For a parent named `eth0.50`: the VLAN and the link beneath it, made when they are absent. */
  readonly vlan: { readonly below: string; readonly id: number } | null
  readonly mtu: number | null
}

/** @throws InvalidArgumentError. */
export function parseMacvlanOptions(options: Readonly<Record<string, string>>): MacvlanOptions {
  const parent = options['parent'] ?? ''
  if (parent === '')
    throw new InvalidArgumentError('macvlan networks need a parent interface: use -o parent=<interface>')
  if (!/^[^\s/:]{1,15}$/.test(parent))
    throw new InvalidArgumentError(`invalid parent interface name: ${JSON.stringify(parent)}`)
  const wanted = options['macvlan_mode'] ?? 'bridge'
  const mode = MODES.find((name) => name === (wanted === '' ? 'bridge' : wanted))
  if (mode === undefined)
    throw new InvalidArgumentError(
      `requested macvlan mode '${wanted}' is not valid, 'bridge' mode is the macvlan driver default`,
    )
  const match = /^(.+)\.(\d{1,4})$/.exec(parent)
  const vlan = match === null ? null : { below: match[1] ?? '', id: Number(match[2]) }
  if (vlan !== null && (vlan.id < 1 || vlan.id > 4094)) {
    throw new InvalidArgumentError(`vlan id must be between 1-4094, received: ${String(vlan.id)}`)
  }
  return { parent, mode, vlan, mtu: parseMtu(options) }
}

/** Macvlan networks: containers appear on a link of the host with MAC addresses of their own. Ports are not published: they are simply reachable. */
export class MacvlanDriver {
  readonly #netlink: Rtnetlink

  constructor(netlink: Rtnetlink) {
    this.#netlink = netlink
  }

  /** Makes sure that the parent stands. @throws InvalidArgumentError when it does not exist and is no VLAN to be made. */
  ensure(record: NetworkRecord): void {
    const { parent, vlan } = parseMacvlanOptions(record.options)
    if (this.#find(parent) !== null) return
    const below = vlan === null ? null : this.#find(vlan.below)
    if (vlan === null || below === null) {
      throw new InvalidArgumentError(`macvlan parent interface ${parent} was not found on the host`)
    }
    try {
      this.#netlink.addLink(parent, { kind: 'vlan', parent: below.index, id: vlan.id }, { up: true })
    } catch (cause) {
      if (errnoOf(cause) !== 'EOPNOTSUPP') throw cause
      throw new InvalidArgumentError(
        `failed to create the VLAN ${parent}: this kernel has no 802.1Q support`,
        { cause },
      )
    }
  }

  /** Takes a VLAN link away that was made for the network. */
  async remove(record: NetworkRecord): Promise<void> {
    if (!record.ownsLink || record.link === null) return
    try {
      await this.#netlink.deleteLinkOffThread(record.link)
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    }
  }

  attach(record: NetworkRecord, endpoint: EndpointRecord, inside: LinkInside): void {
    if (endpoint.ifname === null) return
    const options = parseMacvlanOptions(record.options)
    const parent = this.#netlink.link(options.parent)
    this.#netlink.addLink(
      endpoint.ifname,
      { kind: 'macvlan', parent: parent.index, mode: options.mode },
      { mac: endpoint.mac, mtu: options.mtu, netnsFd: inside.netnsFd },
    )
    inside.configure(record, endpoint)
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
