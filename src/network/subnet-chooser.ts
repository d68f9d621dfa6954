import { createHash } from 'node:crypto'
import { PermissionDeniedError } from '#errors/errors.ts'
import { formatSubnet, overlaps, parseCidr, subnetOf } from './cidr.ts'
import type { Subnet } from './cidr.ts'

/** Where subnets come from when the user names none (`default-address-pools` of daemon.json). */
export interface AddressPoolBase {
  readonly base: string
  readonly size: number
}

/** Docker's own: 172.17.0.0/16 … 172.31.0.0/16, then /20s of 192.168.0.0/16. */
export const defaultAddressPools: readonly AddressPoolBase[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: `172.${String(17 + index)}.0.0/16`, size: 16 })),
  { base: '192.168.0.0/16', size: 20 },
]

/**
 * The first subnet of the pools that overlaps nothing.
 * @param taken subnets of networks and of the host's routes
 * @param wanted.prefix the size of it; absent: what each pool says
 * @throws PermissionDeniedError when there is none.
 */
export function chooseSubnet(
  pools: readonly AddressPoolBase[],
  taken: readonly Subnet[],
  wanted: { readonly family: 4 | 6; readonly prefix?: number },
): string {
  const { family, prefix } = wanted
  for (const { base: text, size: usual } of pools) {
    const size = prefix ?? usual
    const { subnet: base } = parseCidr(text)
    if (base.family !== family || size < base.prefix) continue
    let candidate = subnetOf({ family, value: base.first }, size)
    while (candidate.last <= base.last) {
      const hit = taken.find((other) => overlaps(other, candidate))
      if (hit === undefined) return formatSubnet(candidate)
      // On to the first subnet behind what is in the way: a large pool is not walked one by one.
      const next = (hit.last > candidate.last ? hit.last : candidate.last) + 1n
      const aligned = subnetOf({ family, value: next }, size)
      const start = aligned.first < next ? aligned.last + 1n : aligned.first
      candidate = subnetOf({ family, value: start }, size)
    }
  }
  throw new PermissionDeniedError('all predefined address pools have been fully subnetted')
}

/** The IPv6 pool of a machine without a configured one: a unique local prefix (RFC 4193) that stays the same for a daemon. */
export function uniqueLocalPool(seed: string): AddressPoolBase {
  const hash = createHash('sha256').update(seed).digest('hex')
  return { base: `fd${hash.slice(0, 2)}:${hash.slice(2, 6)}:${hash.slice(6, 10)}::/48`, size: 64 }
}
