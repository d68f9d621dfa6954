import type { NetworkConnectRequest, NetworkDisconnectRequest, NetworkInspect } from '#spec/docker/network.ts'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import type { ApiVersion } from '../http/versions.ts'
import { decode, fields, stringMap, strings } from './schema.ts'
import type { Schema } from './schema.ts'

/** How a container is on a network (EndpointSettings). */
export const endpointSchema: Schema = {
  object: {
    IPAMConfig: { object: { ...fields('string', 'IPv4Address', 'IPv6Address'), LinkLocalIPs: strings } },
    ...fields(strings, 'Links', 'Aliases', 'DNSNames'),
    ...fields('string', 'MacAddress', 'NetworkID', 'EndpointID', 'Gateway', 'IPAddress', 'IPv6Gateway'),
    GlobalIPv6Address: 'string',
    ...fields('integer', 'GwPriority', 'IPPrefixLen', 'GlobalIPv6PrefixLen'),
    DriverOpts: stringMap,
  },
}

const ipamConfig: Schema = {
  object: { ...fields('string', 'Subnet', 'IPRange', 'Gateway'), AuxiliaryAddresses: stringMap },
}

const createSchema: Schema = {
  object: {
    ...fields('string', 'Name', 'Driver', 'Scope'),
    ...fields(
      'boolean',
      'Internal',
      'Attachable',
      'Ingress',
      'ConfigOnly',
      'EnableIPv4',
      'EnableIPv6',
      'CheckDuplicate',
    ),
    ConfigFrom: { object: { Network: 'string' } },
    IPAM: { object: { Driver: 'string', Config: { list: ipamConfig }, Options: stringMap } },
    ...fields(stringMap, 'Options', 'Labels'),
  },
}

/** Reads the body of `POST /networks/create`. */
export function readNetworkCreate(body: Record<string, unknown>, version: ApiVersion): NetworkCreateRequest {
  const request = decode<{ -readonly [Key in keyof NetworkCreateRequest]: NetworkCreateRequest[Key] }>(
    createSchema,
    { Name: '', ...body },
  )
  // A network without IPv4 can be asked for since 1.48.
  if (version < 48) delete request.EnableIPv4
  return request
}

/** Reads the body of `POST /networks/{id}/connect`. */
export function readNetworkConnect(
  body: Record<string, unknown>,
  version: ApiVersion,
): NetworkConnectRequest {
  const request = decode<NetworkConnectRequest>(
    { object: { Container: 'string', EndpointConfig: endpointSchema } },
    { Container: '', ...body },
  )
  if (version >= 44 || !request.EndpointConfig?.MacAddress) return request
  const { MacAddress: _, ...endpoint } = request.EndpointConfig
  return { ...request, EndpointConfig: endpoint }
}

/** Reads the body of `POST /networks/{id}/disconnect`. */
export function readNetworkDisconnect(body: Record<string, unknown>): NetworkDisconnectRequest {
  return decode({ object: { Container: 'string', Force: 'boolean' } }, { Container: '', ...body })
}

/** A network as a version of the API shows it. */
export function shapeNetwork(network: NetworkInspect, version: ApiVersion): object {
  if (version >= 52) return network
  const { Status: _, ...shown } = network as NetworkInspect & { Status?: unknown }
  return shown
}

/** A listed network: since 1.28 without the containers that are on it, since 1.52 without their field. */
export function shapeNetworkSummary(network: NetworkInspect, version: ApiVersion): object {
  const {
    Status: _,
    Containers,
    ...shown
  } = network as NetworkInspect & { Status?: unknown; Containers?: unknown }
  if (version >= 52) return shown
  return { ...shown, Containers: version < 28 ? Containers : {} }
}
