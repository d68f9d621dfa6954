import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { LinkKind, Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import type { LinkInside } from './link-inside.ts'
import { ensureParent, parseParent } from './parent-link.ts'
import type { ParentOptions } from './parent-link.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

const MODES = ['l2', 'l3', 'l3s'] as const
const FLAGS = ['bridge', 'private', 'vepa'] as const

/** The options of the ipvlan driver, read. */
export interface IpvlanOptions extends ParentOptions {
  readonly mode: (typeof MODES)[number]
  readonly flag: (typeof FLAGS)[number]
}

/** @throws InvalidArgumentError. */
export function parseIpvlanOptions(options: Readonly<Record<string, string>>): IpvlanOptions {
  const pick = <Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word => {
    const wanted = options[name] || words[0]
    const found = words.find((word) => word === wanted)
    if (found !== undefined) return found
    throw new InvalidArgumentError(
      `requested ${name} '${wanted}' is not valid, it is one of ${words.join(', ')}`,
    )
  }
  return {
    ...parseParent(options, 'ipvlan'),
    mode: pick('ipvlan_mode', MODES),
    flag: pick('ipvlan_flag', FLAGS),
  }
}

/** Tells whether containers of a network send by the link itself, without a gateway: the kernel routes at the parent (ipvlan's layer 3 modes). */
export function isRoutedByLink(network: NetworkRecord): boolean {
  return network.driver === 'ipvlan' && parseIpvlanOptions(network.options).mode !== 'l2'
}

/** Ipvlan networks: containers appear on a link of the host with its MAC address and addresses of their own. */
export class IpvlanDriver {
  readonly #netlink: Rtnetlink

  constructor(netlink: Rtnetlink) {
    this.#netlink = netlink
  }

  /** Makes sure that the parent stands, and that the kernel can. @throws InvalidArgumentError when one of them is not so. */
  ensure(record: NetworkRecord): void {
    const options = parseIpvlanOptions(record.options)
    ensureParent(this.#netlink, options, 'ipvlan')
    // A container's start is late to learn that: a link is made and deleted.
    const probe = `ipv${record.id.slice(0, 8)}`
    try {
      this.#netlink.addLink(probe, this.#kind(options))
    } catch (cause) {
      if (errnoOf(cause) !== 'EOPNOTSUPP') throw cause
      throw new InvalidArgumentError(
        'ipvlan networks need a kernel with ipvlan (CONFIG_IPVLAN), which this one has not: use macvlan',
        { cause },
      )
    }
    this.#netlink.deleteLink(probe)
  }

  attach(record: NetworkRecord, endpoint: EndpointRecord, inside: LinkInside): void {
    if (endpoint.ifname === null) return
    const options = parseIpvlanOptions(record.options)
    this.#netlink.addLink(endpoint.ifname, this.#kind(options), { mtu: options.mtu, netnsFd: inside.netnsFd })
    inside.configure(record, endpoint)
  }

  #kind({ parent, mode, flag }: IpvlanOptions): LinkKind {
    return { kind: 'ipvlan', parent: this.#netlink.link(parent).index, mode, flag }
  }
}
