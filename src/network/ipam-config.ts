import { InvalidArgumentError, PermissionDeniedError } from '#errors/errors.ts'
import type { IPAM, IPAMConfig } from '#spec/docker/network.ts'
import { contains, formatAddress, formatSubnet, overlaps, parseAddress, parseCidr } from './cidr.ts'
import type { Subnet } from './cidr.ts'
import type { PoolRecord } from './records.ts'
import { chooseSubnet } from './subnet-chooser.ts'
import type { AddressPoolBase } from './subnet-chooser.ts'

/** What the choice of a network's subnets depends on. */
export interface IpamContext {
  /** Subnets of other networks: those that the user names may not overlap these. */
  readonly networks: readonly Subnet[]
  /** Destinations of the host's routes: those that we choose may not overlap these either. */
  readonly routes: readonly Subnet[]
  readonly pools: readonly AddressPoolBase[]
}

/**
 * The subnets of a network: those the user named, checked, and for a family without one a subnet from the pools.
 * @throws InvalidArgumentError listing all that is wrong; PermissionDeniedError for an overlap or when the pools are full.
 */
export function planPools(
  ipam: IPAM | null | undefined,
  options: {
    readonly enableIPv4: boolean
    readonly enableIPv6: boolean
    readonly context: IpamContext
    /** False for a network that is only a configuration: its subnets are described, not taken. */
    readonly allocate: boolean
  },
): PoolRecord[] {
  const { context } = options
  const wrong: string[] = []
  const pools: PoolRecord[] = []
  for (const config of ipam?.Config ?? []) {
    if (!config.Subnet) {
      if (config.IPRange || config.Gateway) wrong.push('no matching subnet for gateway or ip-range')
      continue
    }
    const pool = checkConfig(config, wrong)
    if (pool !== null && options.allocate && isUnspecified(pool)) {
      const { prefix } = parseCidr(pool.subnet).subnet
      const taken = [
        ...context.networks,
        ...context.routes,
        ...pools.map((other) => parseCidr(other.subnet).subnet),
      ]
      pools.push({
        ...pool,
        subnet: chooseSubnet(context.pools, taken, { family: pool.family, prefix }),
        hidesGateway: false,
      })
    } else if (pool !== null && (pool.family === 4 ? options.enableIPv4 : options.enableIPv6))
      pools.push(pool)
  }
  if (wrong.length > 0) throw new InvalidArgumentError(`invalid network config:\n${wrong.join('\n')}`)
  if (!options.allocate) return pools
  const subnets = pools.map((pool) => parseCidr(pool.subnet).subnet)
  for (const [index, subnet] of subnets.entries()) {
    if ([...context.networks, ...subnets.slice(0, index)].some((other) => overlaps(other, subnet))) {
      throw new PermissionDeniedError(
        'invalid pool request: Pool overlaps with other one on this address space',
      )
    }
  }
  for (const family of [4, 6] as const) {
    if (!(family === 4 ? options.enableIPv4 : options.enableIPv6)) continue
    if (pools.some((pool) => pool.family === family)) continue
    const subnet = chooseSubnet(context.pools, [...context.networks, ...context.routes, ...subnets], {
      family,
    })
    pools.push({ family, subnet, range: null, gateway: null, aux: {} })
  }
  return pools.map(withGateway)
}

/** `0.0.0.0/24` or `::/64`: this size, from the pools. */
function isUnspecified(pool: PoolRecord): boolean {
  const { subnet } = parseCidr(pool.subnet)
  return subnet.first === 0n && subnet.prefix > 0
}

/** The first address of the subnet (of the range, as Docker) that nothing else has. */
function withGateway(pool: PoolRecord): PoolRecord {
  if (pool.gateway !== null) return pool
  const { subnet } = parseCidr(pool.range ?? pool.subnet)
  const whole = parseCidr(pool.subnet).subnet
  const aux = new Set(Object.values(pool.aux))
  // The first address is the subnet's own name, but in /31, /32, /127 and /128, which have none (RFC 3021, RFC 6164).
  const isNamed = whole.last - whole.first >= 2n
  const first = isNamed && subnet.first === whole.first ? subnet.first + 1n : subnet.first
  for (let value = first; value <= subnet.last; value++) {
    const address = formatAddress({ family: pool.family, value })
    if (!aux.has(address)) return { ...pool, gateway: address }
  }
  return pool
}

function checkConfig(config: IPAMConfig, wrong: string[]): PoolRecord | null {
  const text = config.Subnet ?? ''
  const subnet = readSubnet(text, 'subnet', wrong)
  if (subnet === null) return null
  const inside = (address: string, what: string): string | null => {
    let parsed
    try {
      parsed = parseAddress(address)
    } catch {
      wrong.push(`invalid ${what} ${address}: invalid address`)
      return null
    }
    if (parsed.family !== subnet.family)
      wrong.push(`invalid ${what} ${address}: parent subnet is an IPv${String(subnet.family)} block`)
    else if (!contains(subnet, parsed))
      wrong.push(`invalid ${what} ${address}: parent subnet ${text} doesn't contain this address`)
    return formatAddress(parsed)
  }
  const range = config.IPRange ? readRange(config.IPRange, { subnet, text, wrong }) : null
  const gateway = config.Gateway ? inside(config.Gateway, 'gateway') : null
  const aux: Record<string, string> = {}
  for (const [name, address] of Object.entries(config.AuxiliaryAddresses ?? {})) {
    aux[name] = inside(address, 'auxiliary address') ?? ''
  }
  const hides = gateway === null ? { hidesGateway: true } : {}
  return { family: subnet.family, subnet: formatSubnet(subnet), range, gateway, aux, ...hides }
}

function readSubnet(text: string, what: string, wrong: string[]): Subnet | null {
  try {
    const { address, subnet } = parseCidr(text)
    if (address.value === subnet.first) return subnet
    wrong.push(`invalid ${what} ${text}: it should be ${formatSubnet(subnet)}`)
  } catch {
    wrong.push(`invalid ${what} ${text}: invalid CIDR block notation`)
  }
  return null
}

function readRange(
  text: string,
  options: { readonly subnet: Subnet; readonly text: string; readonly wrong: string[] },
): string | null {
  const { subnet, wrong } = options
  const range = readSubnet(text, 'ip-range', wrong)
  if (range === null) return null
  if (range.family !== subnet.family) {
    wrong.push(`invalid ip-range ${text}: parent subnet is an IPv${String(subnet.family)} block`)
  } else if (range.prefix < subnet.prefix) {
    wrong.push(`invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${options.text}`)
  } else if (range.first < subnet.first || range.last > subnet.last) {
    wrong.push(`invalid ip-range ${text}: parent subnet ${options.text} doesn't contain ip-range`)
  }
  return formatSubnet(range)
}
