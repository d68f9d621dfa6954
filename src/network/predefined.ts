import { newId } from '#base/ids.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { formatAddress, formatSubnet, parseCidr } from './cidr.ts'
import { chooseSubnet } from './subnet-chooser.ts'
import type { IpamContext } from './ipam-config.ts'
import type { NetworkStore } from './network-store.ts'
import type { NetworkRecord, PoolRecord } from './records.ts'

/** How the daemon's flags shape the default bridge. */
export interface DefaultBridgeOptions {
  readonly bridge: string
  /** `172.17.0.1/16`: the bridge's address and with it the subnet; null: the bridge's own, else one that is free. */
  readonly bip: string | null
  readonly fixedCidr: string | null
  /** IPv6 besides: `bip6` or `fixed-cidr-v6` name its subnet, else one of the pools is taken. */
  readonly ipv6?: boolean
  readonly bip6?: string | null
  readonly fixedCidr6?: string | null
  readonly mtu: number | null
  readonly icc: boolean
  readonly masquerade: boolean
  /** Where ports go that name no host address (`--ip`). */
  readonly defaultIp: string
}

/** Makes the records of `none` and `host`, once for a daemon's life. */
export function ensurePlainNetworks(store: NetworkStore): void {
  for (const [name, driver] of [
    ['none', 'null'],
    ['host', 'host'],
  ] as const) {
    if (store.networkByName(name) === null) store.putNetwork({ ...blank(name), driver, enableIPv4: false })
  }
}

/**
 * Brings the record of the default bridge into line with the flags; its id stays. `context` is asked only when a subnet must be chosen.
 * @throws InvalidArgumentError for flags that cannot be.
 */
export function ensureDefaultBridge(
  store: NetworkStore,
  flags: DefaultBridgeOptions,
  options: { readonly netlink: Rtnetlink; readonly context: () => IpamContext },
): NetworkRecord {
  const before = store.networkByName('bridge')
  const link = options.netlink.links().find((candidate) => candidate.name === flags.bridge)
  const sameLink = before?.link === flags.bridge
  const record: NetworkRecord = {
    ...(before ?? blank('bridge')),
    driver: 'bridge',
    options: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': String(flags.icc),
      'com.docker.network.bridge.enable_ip_masquerade': String(flags.masquerade),
      'com.docker.network.bridge.host_binding_ipv4': flags.defaultIp,
      'com.docker.network.bridge.name': flags.bridge,
      'com.docker.network.driver.mtu': String(flags.mtu ?? 1500),
    },
    enableIPv6: flags.ipv6 === true,
    pools: [
      choosePool(before, flags, { ...options, linkIndex: link?.index ?? null }),
      ...(flags.ipv6 === true ? [choosePool6(before, flags, options.context)] : []),
    ],
    link: flags.bridge,
    ownsLink: sameLink ? before.ownsLink : link === undefined,
  }
  if (JSON.stringify(record) !== JSON.stringify(before)) store.putNetwork(record)
  return record
}

function choosePool(
  before: NetworkRecord | null,
  flags: DefaultBridgeOptions,
  options: {
    readonly netlink: Rtnetlink
    readonly context: () => IpamContext
    readonly linkIndex: number | null
  },
): PoolRecord {
  const existing = options.netlink
    .addresses()
    .find((entry) => entry.index === options.linkIndex && !entry.address.includes(':'))
  const own = existing === undefined ? null : `${existing.address}/${String(existing.prefix)}`
  const range =
    flags.fixedCidr === null ? null : formatSubnet(parseFlag('fixed-cidr', flags.fixedCidr, 4).subnet)
  const bip = flags.bip ?? own
  if (bip !== null) {
    const { address, subnet } = parseFlag('bip', bip, 4)
    return { family: 4, subnet: formatSubnet(subnet), range, gateway: formatAddress(address), aux: {} }
  }
  const kept = before?.pools.find((pool) => pool.family === 4)
  if (kept !== undefined) return { ...kept, range }
  const text = chooseFree(options.context(), 4)
  const { subnet } = parseCidr(text)
  return {
    family: 4,
    subnet: text,
    range,
    gateway: formatAddress({ family: 4, value: subnet.first + 1n }),
    aux: {},
  }
}

/** `bip6` names address and subnet; `fixed-cidr-v6` the subnet, or a range of it; else the subnet it had, or a free one. */
function choosePool6(
  before: NetworkRecord | null,
  flags: DefaultBridgeOptions,
  context: () => IpamContext,
): PoolRecord {
  const { bip6 = null, fixedCidr6 = null } = flags
  const fixed = fixedCidr6 === null ? null : parseFlag('fixed-cidr-v6', fixedCidr6, 6).subnet
  if (bip6 !== null) {
    const { address, subnet } = parseFlag('bip6', bip6, 6)
    const range = fixed === null ? null : formatSubnet(fixed)
    return { family: 6, subnet: formatSubnet(subnet), range, gateway: formatAddress(address), aux: {} }
  }
  const kept = before?.pools.find((pool) => pool.family === 6)
  if (fixed === null && kept !== undefined) return kept
  const subnet = fixed ?? parseCidr(chooseFree(context(), 6)).subnet
  const gateway = formatAddress({ family: 6, value: subnet.first + 1n })
  return { family: 6, subnet: formatSubnet(subnet), range: null, gateway, aux: {} }
}

function chooseFree({ pools, networks, routes }: IpamContext, family: 4 | 6): string {
  return chooseSubnet(pools, [...networks, ...routes], { family })
}

function parseFlag(name: string, text: string, family: 4 | 6): ReturnType<typeof parseCidr> {
  try {
    const parsed = parseCidr(text)
    if (parsed.subnet.family === family) return parsed
  } catch (cause) {
    throw new InvalidArgumentError(`invalid value for --${name}: ${text}`, { cause })
  }
  throw new InvalidArgumentError(`invalid value for --${name}: ${text} is not an IPv${family} subnet`)
}

function blank(name: string): NetworkRecord {
  return {
    id: newId(),
    name,
    driver: 'null',
    created: new Date().toISOString().replace(/Z$/, '000000Z'),
    enableIPv4: true,
    enableIPv6: false,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: '',
    options: {},
    labels: {},
    ipamDriver: 'default',
    ipamOptions: null,
    pools: [],
    link: null,
    ownsLink: false,
  }
}
