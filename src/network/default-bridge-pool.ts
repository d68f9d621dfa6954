import { isIP } from 'node:net'
import { InvalidArgumentError } from '#errors/errors.ts'
import { contains, formatAddress, formatSubnet, parseAddress, parseCidr } from './cidr.ts'
import type { Address, Subnet } from './cidr.ts'
import type { IpamContext } from './ipam-config.ts'
import type { NetworkRecord, PoolRecord } from './records.ts'
import { chooseSubnet } from './subnet-chooser.ts'

/** What the flags say of the default bridge in one family, and their names. */
export interface FamilyFlags {
  readonly family: 4 | 6
  readonly bip: string | null
  readonly bipName: string
  readonly fixedCidr: string | null
  readonly fixedCidrName: string
  readonly gateway: string | null
}

/**
 * The subnet of one family: `bip`'s, else that of an address which the bridge has, else `fixed-cidr` itself, else the one it had, else a free one.
 * @throws InvalidArgumentError
 */
export function chooseDefaultPool(
  before: NetworkRecord | null,
  flags: FamilyFlags,
  options: {
    readonly context: () => IpamContext
    readonly found: readonly string[]
    readonly isOurs: boolean
  },
): PoolRecord {
  const { family } = flags
  const fixed =
    flags.fixedCidr === null ? null : parseFlag(flags.fixedCidrName, flags.fixedCidr, family).subnet
  const bip = flags.bip ?? ownAddress(options.found, fixed, options.isOurs)
  const aux = flags.gateway === null ? {} : { [`DefaultGatewayIPv${String(family)}`]: flags.gateway }
  if (bip !== null) {
    const { address, subnet } = parseFlag(flags.bipName, bip, family)
    // A range that a bridge of the administrator does not have is given up, as dockerd does: the daemon would not start.
    const isOutside = fixed !== null && !options.isOurs && flags.bip === null && !holds(subnet, fixed)
    return checked({
      ...{ family, subnet: formatSubnet(subnet), gateway: formatAddress(address), aux },
      range: fixed === null || isOutside ? null : formatSubnet(fixed),
    })
  }
  if (fixed !== null) {
    const subnet = formatSubnet(fixed)
    return checked({ ...{ family, subnet, range: subnet, aux }, gateway: firstOf(fixed), hidesGateway: true })
  }
  const kept = before?.pools.find((pool) => pool.family === family && pool.hidesGateway !== true)
  if (kept !== undefined) return checked({ ...kept, range: null, aux })
  const subnet = chooseFree(options.context(), family)
  return checked({ family, subnet, range: null, gateway: firstOf(parseCidr(subnet).subnet), aux })
}

/** The address of a bridge that was there: the one that `fixed-cidr` is around, else the first of the administrator's. */
function ownAddress(found: readonly string[], fixed: Subnet | null, isOurs: boolean): string | null {
  const around = found.find((text) => fixed !== null && contains(parseCidr(text).subnet, address(fixed)))
  return around ?? (fixed !== null && isOurs ? null : (found[0] ?? null))
}

function address(subnet: Subnet): Address {
  return { family: subnet.family, value: subnet.first }
}

function holds(outer: Subnet, inner: Subnet): boolean {
  return contains(outer, address(inner)) && inner.prefix >= outer.prefix
}

/** The first address after the subnet's own name; /31, /32, /127 and /128 have no such name. */
function firstOf(subnet: Subnet): string {
  const size = subnet.last - subnet.first
  return formatAddress({ family: subnet.family, value: subnet.first + (size < 2n ? 0n : 1n) })
}

/** @throws InvalidArgumentError as dockerd, whose address management does not know of a daemon's flags. */
function checked(pool: PoolRecord): PoolRecord {
  const { subnet } = parseCidr(pool.subnet)
  const isNamed = subnet.last - subnet.first >= 2n
  const gateway = pool.gateway === null ? null : parseAddress(pool.gateway).value
  if (isNamed && (gateway === subnet.first || (pool.family === 4 && gateway === subnet.last))) {
    throw invalid(`failed to allocate gateway (${pool.gateway ?? ''}): Address already in use`)
  }
  for (const [label, text] of Object.entries(pool.aux)) {
    if (!isAddress(text)) throw invalid(`invalid auxiliary address: (${label}:${text})`)
    if (!contains(subnet, parseAddress(text))) {
      throw invalid(`auxiliary address: (${label}:${text}) must belong to the master pool: ${pool.subnet}`)
    }
  }
  return pool
}

function isAddress(text: string): boolean {
  return isIP(text) !== 0
}

function invalid(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`error creating default "bridge" network: ${reason}`)
}

function chooseFree({ pools, networks, routes }: IpamContext, family: 4 | 6): string {
  return chooseSubnet(pools, [...networks, ...routes], { family })
}

function parseFlag(name: string, text: string, family: 4 | 6): ReturnType<typeof parseCidr> {
  let parsed
  try {
    parsed = parseCidr(text)
  } catch (cause) {
    throw new InvalidArgumentError(`parse ${name} failed: invalid CIDR address: ${text}`, { cause })
  }
  if (parsed.subnet.family === family) return parsed
  throw new InvalidArgumentError(`invalid value for --${name}: ${text} is not an IPv${family} subnet`)
}
