import { parseBridgeOptions } from './bridge-options.ts'
import { isRoutedByLink } from './ipvlan-driver.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

/** The address that a network's containers send to what is not on the network; null: none. */
export function gatewayOf(network: NetworkRecord, family: 4 | 6): string | null {
  // Overlay networks have no router: the way out is by the gateway network.
  if (network.internal || network.driver === 'overlay' || isRoutedByLink(network)) return null
  const pool = network.pools.find((candidate) => candidate.family === family)
  // Docker's name for a router other than the bridge (`--default-gateway`, or an auxiliary address of any bridge network).
  const other = network.driver === 'bridge' ? pool?.aux[`DefaultGatewayIPv${String(family)}`] : undefined
  return other ?? pool?.gateway ?? null
}

/** The address that an endpoint's default route leads to; null: it has none. */
export function gatewayAt(endpoint: EndpointRecord, network: NetworkRecord, family: 4 | 6): string | null {
  if (network.internal) return null
  return endpoint.foreign === undefined ? gatewayOf(network, family) : endpoint.foreign.gateways[family]
}

/**
 * The endpoint that gives a container its default route in a family: the highest GwPriority, then the first by the network's name.
 * @param networkOf looks a network up
 */
export function gatewayEndpoint(
  endpoints: readonly EndpointRecord[],
  options: { readonly family: 4 | 6; readonly networkOf: (id: string) => NetworkRecord | null },
): EndpointRecord | null {
  const candidates = endpoints.filter((endpoint) => {
    const network = options.networkOf(endpoint.networkId)
    const address = options.family === 4 ? endpoint.ipv4 : endpoint.ipv6
    if (network === null || network.internal || address === null) return false
    // An isolated gateway has no address on the bridge: nothing to route to.
    if (
      network.driver === 'bridge' &&
      parseBridgeOptions(network.options).gatewayMode[options.family] === 'isolated'
    )
      return false
    return isRoutedByLink(network) || gatewayAt(endpoint, network, options.family) !== null
  })
  const ordered = candidates.toSorted(
    (a, b) =>
      (b.settings.GwPriority ?? 0) - (a.settings.GwPriority ?? 0) || compare(a.networkName, b.networkName),
  )
  return ordered[0] ?? null
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
