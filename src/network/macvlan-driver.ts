import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { ensureParent, parseParent } from './parent-link.ts'
import type { ParentOptions } from './parent-link.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'
import type { LinkInside } from './link-inside.ts'

const MODES = ['private', 'vepa', 'bridge', 'passthru'] as const

/** The options of the macvlan driver, read. */
export interface MacvlanOptions extends ParentOptions {
  readonly mode: (typeof MODES)[number]
}

/** @throws InvalidArgumentError. */
export function parseMacvlanOptions(options: Readonly<Record<string, string>>): MacvlanOptions {
  const wanted = options['macvlan_mode'] ?? 'bridge'
  const mode = MODES.find((name) => name === (wanted === '' ? 'bridge' : wanted))
  if (mode === undefined)
    throw new InvalidArgumentError(
      `requested macvlan mode '${wanted}' is not valid, 'bridge' mode is the macvlan driver default`,
    )
  return { ...parseParent(options, 'macvlan'), mode }
}

/** Macvlan networks: containers appear on a link of the host with MAC addresses of their own. Ports are not published: they are simply reachable. */
export class MacvlanDriver {
  readonly #netlink: Rtnetlink

  constructor(netlink: Rtnetlink) {
    this.#netlink = netlink
  }

  /** Makes sure that the parent stands. @throws InvalidArgumentError when it does not exist and is no VLAN to be made. */
  ensure(record: NetworkRecord): void {
    ensureParent(this.#netlink, parseMacvlanOptions(record.options), 'macvlan')
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
}
