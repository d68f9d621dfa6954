import { existsSync } from 'node:fs'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parseBridgeOptions } from './bridge-options.ts'
import { parseAddress } from './cidr.ts'
import type { PortRules } from './firewall.ts'
import type { HostPorts } from './host-ports.ts'
import type { PortWish } from './port-spec.ts'
import type { PublishedPort } from './port-spec.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

/** Where ports are published, and how. */
export interface PublishPlace {
  readonly network: NetworkRecord
  readonly endpoint: EndpointRecord
  /** IPv6 host addresses are served although the container has only IPv4. */
  readonly proxied: boolean
  /** By the daemon instead of the firewall. */
  readonly relayed: boolean
}

/** How ports are published: a label of the container, or an option of the network. */
export const PUBLISH_MODE = 'wharf.network.publish'

/**
 * Tells whether a container's ports are passed on by the daemon (`input`) instead of translated by the firewall (`nat`).
 * @throws InvalidArgumentError for another word, and for SCTP, which the daemon cannot pass on.
 */
export function isRelayed(words: readonly (string | undefined)[], wishes: readonly PortWish[]): boolean {
  const mode = words.find((word) => word !== undefined && word !== '') ?? 'nat'
  if (mode !== 'nat' && mode !== 'input') {
    throw new InvalidArgumentError(`invalid value for ${PUBLISH_MODE}: "${mode}": it is nat or input`)
  }
  if (mode === 'input' && wishes.some(({ protocol }) => protocol === 'sctp')) {
    throw new InvalidArgumentError(`${PUBLISH_MODE}=input is not for SCTP ports`)
  }
  return mode === 'input'
}

const hostHasIPv6 = existsSync('/proc/net/if_inet6')

/** How many host ports would do. */
function choices({ hostPorts }: PortWish): number {
  return hostPorts === null ? 65_536 : hostPorts.last - hostPorts.first
}

/**
 * Holds the host ports that a container's endpoint publishes.
 * @throws PublishError; then nothing is held.
 */
export function holdPorts(
  hostPorts: HostPorts,
  wishes: readonly PortWish[],
  options: PublishPlace,
): PublishedPort[] {
  const held: PublishedPort[] = []
  try {
    // Who has the least choice chooses first: a port of any number must not take one that is asked for.
    for (const wish of wishes.toSorted((a, b) => choices(a) - choices(b)))
      held.push(...hostPorts.allocate(wish, hostAddresses(wish, options), options))
    return held
  } catch (error) {
    for (const port of held) hostPorts.release(port)
    throw error
  }
}

/** Checks the host addresses of wishes. @throws InvalidArgumentError. */
export function checkWishes(wishes: readonly PortWish[]): void {
  for (const wish of wishes) {
    if (wish.hostIp === '') continue
    try {
      parseAddress(wish.hostIp)
    } catch (cause) {
      throw new InvalidArgumentError(`invalid IP address: ${wish.hostIp}`, { cause })
    }
  }
}

/** The addresses of the host at which a wish is published. */
export function hostAddresses(wish: PortWish, options: PublishPlace): string[] {
  if (wish.hostIp !== '') return [wish.hostIp]
  const { endpoint, network } = options
  const own = network.driver === 'bridge' ? parseBridgeOptions(network.options).hostBindingIPv4 : null
  const addresses = endpoint.ipv4 === null ? [] : [own ?? '0.0.0.0']
  if (
    own === null &&
    hostHasIPv6 &&
    (endpoint.ipv6 !== null || ((options.proxied || options.relayed) && wish.protocol !== 'sctp'))
  )
    addresses.push('::')
  return addresses
}

/** What the firewall is told of an endpoint's ports. */
export function portRules(network: NetworkRecord, endpoint: EndpointRecord): PortRules {
  const { gatewayMode, trustedInterfaces } = parseBridgeOptions(
    network.driver === 'bridge' ? network.options : {},
  )
  return {
    ipv4: endpoint.ipv4,
    ipv6: endpoint.ipv6,
    ports: endpoint.ports,
    routed: { 4: gatewayMode[4] === 'routed', 6: gatewayMode[6] === 'routed' },
    trusted: trustedInterfaces,
  }
}
