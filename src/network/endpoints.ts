import { randomBytes } from 'node:crypto'
import { newId, shortId } from '#base/ids.ts'
import { InvalidArgumentError, messageOf, PermissionDeniedError } from '#errors/errors.ts'
import { bytesToMac, macToBytes } from '#kernel/netlink/addresses.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import { parseBridgeOptions } from './bridge-options.ts'
import { addressBytes, contains, formatAddress, parseAddress, parseCidr } from './cidr.ts'
import type { GivenEndpoint } from './foreign/foreign.ts'
import type { SandboxRequest } from './networks.ts'
import type { Pools } from './pools.ts'
import { endpointRates, RATE_DOWN, RATE_UP } from './rates.ts'
import type { Rates } from './rates.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'
import { endpointSysctls } from './sysctl.ts'

/** Tells whether containers get names and free choice of addresses there: all networks but the three predefined ones. */
export function isUserDefined(network: NetworkRecord): boolean {
  return !['bridge', 'host', 'none'].includes(network.name)
}

/** Checks what a user asked of an endpoint. @throws InvalidArgumentError with all that is wrong, as Docker. */
export function validateEndpoint(network: NetworkRecord, settings: EndpointSettings): void {
  const wrong: string[] = []
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs } = settings.IPAMConfig ?? {}
  if (!isUserDefined(network)) {
    if (IPv4Address || IPv6Address)
      wrong.push('user specified IP address is supported on user defined networks only')
    if ((settings.Aliases ?? []).length > 0) {
      wrong.push('network-scoped aliases are only supported for user-defined networks')
    }
  }
  for (const [address, family] of [
    [IPv4Address, 4],
    [IPv6Address, 6],
  ] as const) {
    if (!address) continue
    const parsed = read(() => parseAddress(address), null)
    if (parsed?.family !== family) {
      wrong.push(`invalid IPv${String(family)} address: ${address}`)
    } else if (isUserDefined(network) && network.driver !== 'cni') {
      const subnets = network.pools.map((pool) => parseCidr(pool.subnet).subnet)
      if (!subnets.some((subnet) => contains(subnet, parsed))) {
        wrong.push(`no configured subnet or ip-range contain the IP address ${address}`)
      }
    }
  }
  for (const address of LinkLocalIPs ?? []) {
    if (read(() => parseAddress(address), null) === null)
      wrong.push(`invalid link-local IP address: ${address}`)
  }
  const mac = settings.MacAddress ?? ''
  if (mac !== '' && read(() => macToBytes(mac), null) === null) wrong.push(`invalid MAC address: ${mac}`)
  try {
    endpointSysctls(settings, 'IFNAME')
  } catch (error) {
    wrong.push(messageOf(error))
  }
  try {
    endpointRates(settings, {})
  } catch (error) {
    wrong.push(messageOf(error))
  }
  if (wrong.length > 0) throw new InvalidArgumentError(`invalid endpoint settings:\n${joined(wrong)}`)
}

/** Several errors are a list, one is itself. */
function joined(errors: readonly string[]): string {
  return errors.length === 1 ? errors[0]! : errors.map((error) => `* ${error}`).join('\n')
}

function read<T, U>(parse: () => T, otherwise: U): T | U {
  try {
    return parse()
  } catch {
    return otherwise // A RangeError of the parser: the caller says it in its own words.
  }
}

/**
 * Plans an endpoint: takes its addresses and chooses its names. Nothing is made yet.
 * @throws PermissionDeniedError when an address is taken or none is left; then nothing is taken.
 */
export function planEndpoint(
  pools: Pools,
  network: NetworkRecord,
  options: {
    readonly settings: EndpointSettings
    readonly request: SandboxRequest
    readonly ifnamesTaken: ReadonlySet<string>
    readonly mac?: string | null
    /** Its id and addresses, when others than us choose. */
    readonly given?: GivenEndpoint
  },
): EndpointRecord {
  const { settings, request, given } = options
  const linked = network.driver !== 'host' && network.driver !== 'null'
  const has = (family: 4 | 6): boolean => linked && network.pools.some((pool) => pool.family === family)
  const taken: string[] = []
  try {
    const ipv4 =
      network.enableIPv4 && has(4)
        ? takeAddress(pools, network, 4, given?.ipv4 ?? settings.IPAMConfig?.IPv4Address)
        : null
    if (ipv4 !== null) taken.push(ipv4)
    const ipv6 =
      network.enableIPv6 && has(6)
        ? takeAddress(pools, network, 6, given?.ipv6 ?? settings.IPAMConfig?.IPv6Address)
        : null
    if (ipv6 !== null) taken.push(ipv6)
    const ours = network.driver !== 'plugin' && network.driver !== 'cni'
    // An ipvlan link has the address of its parent.
    const isShared = !ours || network.driver === 'ipvlan'
    const mac = settings.MacAddress || options.mac
    if (mac && network.driver === 'ipvlan')
      throw new InvalidArgumentError('ipvlan interfaces do not support custom mac address assignment')
    const rates = readRates(network, settings, request.labels ?? {})
    return {
      id: given?.id ?? newId(),
      networkId: network.id,
      networkName: network.name,
      settings,
      ifname: linked ? chooseIfname(network, options) : null,
      // The kernel's names of links end at 15 characters.
      hostLink:
        linked && ours && network.driver !== 'macvlan' && network.driver !== 'ipvlan'
          ? `veth${randomBytes(4).toString('hex').slice(0, 7)}`
          : null,
      mac: !linked ? null : mac ? bytesToMac(macToBytes(mac)) : isShared ? null : macOf(ipv4),
      ipv4,
      ipv6,
      dnsNames: isUserDefined(network) ? dnsNames(settings, request) : [],
      ports: [],
      ...(rates === null ? {} : { rates }),
    }
  } catch (error) {
    for (const address of taken) pools.release(network.id, address)
    throw error
  }
}

/** @throws InvalidArgumentError for what cannot be, and for limits that the user set on an endpoint that cannot have them. */
function readRates(
  network: NetworkRecord,
  settings: EndpointSettings,
  labels: Readonly<Record<string, string>>,
): Rates | null {
  const rates = endpointRates(settings, labels)
  if (rates === null || network.driver === 'bridge' || network.driver === 'overlay') return rates
  if (endpointRates(settings, {}) === null) return null // A label is for the endpoints that can.
  throw new InvalidArgumentError(
    `network ${network.name}: ${RATE_UP} and ${RATE_DOWN} need a network of the driver "bridge" or "overlay", not "${network.driver}"`,
  )
}

/** Gives the addresses of an endpoint back. */
export function releaseEndpoint(pools: Pools, endpoint: EndpointRecord): void {
  for (const address of [endpoint.ipv4, endpoint.ipv6]) {
    if (address !== null) pools.release(endpoint.networkId, address)
  }
}

function takeAddress(pools: Pools, network: NetworkRecord, family: 4 | 6, wanted?: string | null): string {
  if (wanted === undefined || wanted === null || wanted === '') {
    const address = pools.allocate(network.id, family)
    if (address === null)
      throw new PermissionDeniedError(
        `no available IPv${String(family)} addresses on this network's address pools: ${network.name} (${network.id})`,
      )
    return address
  }
  const outcome = pools.reserve(network.id, wanted)
  if (outcome === 'taken') throw new PermissionDeniedError('Address already in use')
  if (outcome === 'outside')
    throw new InvalidArgumentError(
      `invalid address ${wanted}: It does not belong to any of this network's subnets`,
    )
  return formatAddress(parseAddress(wanted))
}

/** 02:42 and the IPv4 address, so that a reused address keeps its MAC and peers' ARP entries stay right; random without IPv4. */
function macOf(ipv4: string | null): string {
  const tail = ipv4 === null ? randomBytes(4) : addressBytes(parseAddress(ipv4))
  return bytesToMac(Buffer.concat([Buffer.from([0x02, 0x42]), tail]))
}

function chooseIfname(
  network: NetworkRecord,
  options: { readonly settings: EndpointSettings; readonly ifnamesTaken: ReadonlySet<string> },
): string {
  const wanted = options.settings.DriverOpts?.['com.docker.network.endpoint.ifname'] ?? ''
  if (wanted !== '') {
    if (!/^[^\s/:]{1,15}$/.test(wanted))
      throw new InvalidArgumentError(`invalid interface name: ${JSON.stringify(wanted)}`)
    if (options.ifnamesTaken.has(wanted)) throw new InvalidArgumentError(`interface name ${wanted} is in use`)
    return wanted
  }
  const prefix = network.driver === 'bridge' ? parseBridgeOptions(network.options).interfacePrefix : 'eth'
  let number = 0
  while (options.ifnamesTaken.has(`${prefix}${String(number)}`)) number++
  return `${prefix}${String(number)}`
}

function dnsNames(settings: EndpointSettings, request: SandboxRequest): string[] {
  const names = [
    request.containerName,
    ...(settings.Aliases ?? []),
    shortId(request.containerId),
    request.hostname,
  ]
  return [...new Set(names.filter((name) => name !== ''))]
}
