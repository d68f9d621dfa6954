import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import { parseMtu } from '../bridge-options.ts'
import type { NetworkRecord } from '../records.ts'
import { uniqueLocalPool } from '../subnet-chooser.ts'
import type { AddressPoolBase } from '../subnet-chooser.ts'

export const VNI_OPTION = 'com.docker.network.driver.overlay.vxlanid_list'
/** What is left of an Ethernet frame of 1500 bytes in a VXLAN packet over IPv4 (RFC 7348). */
const DEFAULT_MTU = 1450
const LARGEST_VNI = 0xffffff

/** Where subnets come from when the user names none: the same on all hosts. */
export const overlayAddressPools: readonly AddressPoolBase[] = [
  { base: '10.0.0.0/8', size: 24 },
  uniqueLocalPool('overlay'),
]

/** The options of the overlay driver, read. */
export interface OverlayOptions {
  /** VXLAN network identifiers of the network: the first is on the wire. Empty before one is chosen. */
  readonly vnis: readonly number[]
  readonly mtu: number
}

/** @throws InvalidArgumentError; NotImplementedError for encryption. */
export function parseOverlayOptions(options: Readonly<Record<string, string>>): OverlayOptions {
  const encrypted = options['encrypted'] ?? 'false'
  if (!/^(0|f|false)$/i.test(encrypted)) {
    throw new NotImplementedError(
      'encrypted overlay networks are not supported by Wharf: let the hosts speak over a WireGuard or IPsec link and give its address as cluster-advertise',
    )
  }
  const list = options[VNI_OPTION] ?? ''
  const vnis = list === '' ? [] : list.split(',').map(parseVni)
  if (new Set(vnis).size !== vnis.length)
    throw new InvalidArgumentError(`duplicate VXLAN identifier in "${list}"`)
  return { vnis, mtu: parseMtu(options) ?? DEFAULT_MTU }
}

/** The identifier that a network has on the wire. */
export function vniOf(network: NetworkRecord): number {
  const [vni] = parseOverlayOptions(network.options).vnis
  if (vni === undefined) throw new InvalidArgumentError(`the network ${network.name} has no VXLAN identifier`)
  return vni
}

function parseVni(text: string): number {
  const vni = Number(text.trim())
  if (!/^\d+$/.test(text.trim()) || vni < 1 || vni > LARGEST_VNI) {
    throw new InvalidArgumentError(`invalid vxlan id value "${text}" passed`)
  }
  return vni
}
