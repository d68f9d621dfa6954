import { newId } from '#base/ids.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { chooseDefaultPool } from './default-bridge-pool.ts'
import type { FamilyFlags } from './default-bridge-pool.ts'
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
  /** Where the containers' default routes lead instead of the bridge: `default-gateway`, `default-gateway-v6`. */
  readonly gateway?: string | null
  readonly gateway6?: string | null
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
  const isOurs = sameLink ? before.ownsLink : link === undefined
  const choose = (family: 4 | 6): PoolRecord => {
    const found = options.netlink
      .addresses()
      .filter((entry) => entry.index === link?.index && entry.address.includes(':') === (family === 6))
      .filter((entry) => !entry.address.startsWith('fe80:'))
      .map((entry) => `${entry.address}/${String(entry.prefix)}`)
    return chooseDefaultPool(before, flagsOf(flags, family), { context: options.context, found, isOurs })
  }
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
    pools: flags.ipv6 === true ? [choose(4), choose(6)] : [choose(4)],
    link: flags.bridge,
    ownsLink: isOurs,
  }
  if (JSON.stringify(record) !== JSON.stringify(before)) store.putNetwork(record)
  return record
}

function flagsOf(flags: DefaultBridgeOptions, family: 4 | 6): FamilyFlags {
  if (family === 4) {
    const { bip, fixedCidr, gateway = null } = flags
    return { family, bip, bipName: 'bip', fixedCidr, fixedCidrName: 'fixed-cidr', gateway }
  }
  const { bip6 = null, fixedCidr6 = null, gateway6 = null } = flags
  return {
    ...{ family, bip: bip6, bipName: 'bip6', gateway: gateway6 },
    ...{ fixedCidr: fixedCidr6, fixedCidrName: 'fixed-cidr-v6' },
  }
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
