import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { parseMtu } from './bridge-options.ts'

/** The link of the host that a macvlan or ipvlan network is on. */
export interface ParentOptions {
  readonly parent: string
  /** For a parent named `eth0.50`: the VLAN and the link beneath it, made when they are absent. */
  readonly vlan: { readonly below: string; readonly id: number } | null
  readonly mtu: number | null
}

/** @throws InvalidArgumentError. */
export function parseParent(options: Readonly<Record<string, string>>, driver: string): ParentOptions {
  const parent = options['parent'] ?? ''
  if (parent === '')
    throw new InvalidArgumentError(`${driver} networks need a parent interface: use -o parent=<interface>`)
  if (!/^[^\s/:]{1,15}$/.test(parent))
    throw new InvalidArgumentError(`invalid parent interface name: ${JSON.stringify(parent)}`)
  const match = /^(.+)\.(\d{1,4})$/.exec(parent)
  const vlan = match === null ? null : { below: match[1] ?? '', id: Number(match[2]) }
  if (vlan !== null && (vlan.id < 1 || vlan.id > 4094)) {
    throw new InvalidArgumentError(`vlan id must be between 1-4094, received: ${String(vlan.id)}`)
  }
  return { parent, vlan, mtu: parseMtu(options) }
}

/** Makes sure that the parent stands. @throws InvalidArgumentError when it does not exist and is no VLAN to be made. */
export function ensureParent(netlink: Rtnetlink, { parent, vlan }: ParentOptions, driver: string): void {
  if (indexOf(netlink, parent) !== null) return
  const below = vlan === null ? null : indexOf(netlink, vlan.below)
  if (vlan === null || below === null) {
    throw new InvalidArgumentError(`${driver} parent interface ${parent} was not found on the host`)
  }
  try {
    netlink.addLink(parent, { kind: 'vlan', parent: below, id: vlan.id }, { up: true })
  } catch (cause) {
    if (errnoOf(cause) !== 'EOPNOTSUPP') throw cause
    throw new InvalidArgumentError(`failed to create the VLAN ${parent}: this kernel has no 802.1Q support`, {
      cause,
    })
  }
}

function indexOf(netlink: Rtnetlink, name: string): number | null {
  try {
    return netlink.link(name).index
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return null
    throw error
  }
}
