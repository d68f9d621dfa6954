import { isIPv4, isIPv6 } from 'node:net'

/** An IP address as a number, with its family: arithmetic on addresses of both families is the same. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** A range of addresses with a common prefix; `first` has zeros after it. */
export interface Subnet {
  readonly family: 4 | 6
  readonly first: bigint
  readonly last: bigint
  readonly prefix: number
}

/** Reads an address. @throws RangeError. */
export function parseAddress(text: string): Address {
  if (isIPv4(text))
    return { family: 4, value: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) }
  if (!isIPv6(text) || text.includes('%')) throw new RangeError(`invalid IP address: ${text}`)
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const low = dotted?.[2] === undefined ? null : parseAddress(dotted[2]).value
  const plain =
    low === null ? text : `${dotted?.[1] ?? ''}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) }
}

/** The canonical text of an address (RFC 5952 for IPv6). */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 0xffffn)
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0n) length++
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.start === -1) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

/** Reads `address/prefix`; the subnet that the address is in. @throws RangeError. */
export function parseCidr(text: string): { readonly address: Address; readonly subnet: Subnet } {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  if (match === null) throw new RangeError(`invalid CIDR address: ${text}`)
  const address = parseAddress(match[1] ?? '')
  const prefix = Number(match[2])
  if (prefix > bitsOf(address.family)) throw new RangeError(`invalid CIDR address: ${text}`)
  return { address, subnet: subnetOf(address, prefix) }
}

/** The subnet of this prefix length that holds the address. */
export function subnetOf(address: Address, prefix: number): Subnet {
  const size = 1n << BigInt(bitsOf(address.family) - prefix)
  const first = address.value - (address.value % size)
  return { family: address.family, first, last: first + size - 1n, prefix }
}

/** `172.17.0.0/16`. */
export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress({ family: subnet.family, value: subnet.first })}/${String(subnet.prefix)}`
}

export function contains(subnet: Subnet, address: Address): boolean {
  return subnet.family === address.family && subnet.first <= address.value && address.value <= subnet.last
}

export function overlaps(one: Subnet, other: Subnet): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last
}

/** The bytes of an address in network order. */
export function addressBytes({ family, value }: Address): Buffer {
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex')
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128
}
