import { recordField, recordsField, textField } from '#plugins/answer-fields.ts'
import { PluginError } from '#plugins/plugin-error.ts'
import type { PluginAnswer, PluginClient, Plugins } from '#plugins/plugins.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { formatAddress, parseAddress, parseCidr } from '../cidr.ts'
import type { EndpointRecord, ForeignEndpoint, NetworkRecord } from '../records.ts'

/** Releases are not waited for as long as requests: a plugin that is gone must not hold up a container's end. */
const RELEASE = { retry: false, timeoutMs: 10_000 } as const

const GENERIC = 'com.docker.network.generic'

/** What a container asks of an endpoint that a plugin makes. */
export interface PluginEndpointRequest {
  readonly sandboxKey: string
  readonly exposedPorts: readonly object[]
  readonly portMap: readonly object[]
  /** The MAC address that the user wants; else the plugin chooses. */
  readonly mac: string | null
}

/** What a plugin made of an endpoint. */
export interface PluginEndpoint {
  readonly mac: string | null
  readonly ipv4: string | null
  readonly ipv6: string | null
  /** The start of the link's name inside, or all of it. */
  readonly ifname: { readonly prefix: string } | { readonly name: string } | null
  readonly foreign: ForeignEndpoint
}

/** Docker's remote network driver protocol: `NetworkDriver.*`. @throws PluginError, PluginUnreachableError, NotFoundError. */
export class NetworkPlugins {
  readonly #plugins: Plugins

  constructor(plugins: Plugins) {
    this.#plugins = plugins
  }

  /** Activates a plugin. @throws NotFoundError `plugin "x" not found`. */
  async find(name: string): Promise<void> {
    await this.#client(name).then((client) => client.call('NetworkDriver.GetCapabilities', {}))
  }

  async createNetwork(record: NetworkRecord, driver: string): Promise<void> {
    const client = await this.#client(driver)
    const pools = (family: 4 | 6): object[] =>
      record.pools.filter((pool) => pool.family === family).map((pool) => poolData(pool))
    await client.call('NetworkDriver.CreateNetwork', {
      NetworkID: record.id,
      Options: {
        [GENERIC]: record.options,
        'com.docker.network.enable_ipv4': record.enableIPv4,
        'com.docker.network.enable_ipv6': record.enableIPv6,
        ...(record.internal && { 'com.docker.network.internal': true }),
      },
      IPv4Data: pools(4),
      IPv6Data: pools(6),
    })
  }

  async deleteNetwork(driver: string, networkId: string): Promise<void> {
    const client = await this.#client(driver)
    await client.call('NetworkDriver.DeleteNetwork', { NetworkID: networkId }, RELEASE)
  }

  /** Has a plugin make an endpoint and join it: what is left is to move its link. */
  async createEndpoint(
    network: NetworkRecord,
    endpoint: EndpointRecord,
    request: PluginEndpointRequest,
  ): Promise<PluginEndpoint> {
    const client = await this.#client(network.plugin ?? '')
    const ids = { NetworkID: network.id, EndpointID: endpoint.id }
    const ports = {
      'com.docker.network.endpoint.exposedports': request.exposedPorts,
      'com.docker.network.portmap': request.portMap,
    }
    const asked = {
      Address: withPrefix(network, endpoint.ipv4),
      AddressIPv6: withPrefix(network, endpoint.ipv6),
      MacAddress: request.mac ?? '',
    }
    const made = await client.call('NetworkDriver.CreateEndpoint', {
      ...ids,
      Options: { ...endpoint.settings.DriverOpts, ...ports },
      Interface: asked,
    })
    const chosen = recordField(made, 'Interface') ?? {}
    const joined = await client.call('NetworkDriver.Join', {
      ...ids,
      SandboxKey: request.sandboxKey,
      Options: {},
    })
    if (request.portMap.length > 0) await this.#publish(client, { ...ids, Options: ports })
    return readEndpoint({ asked, chosen, joined }, client.name)
  }

  async deleteEndpoint(driver: string, networkId: string, endpointId: string): Promise<void> {
    const client = await this.#client(driver)
    const ids = { NetworkID: networkId, EndpointID: endpointId }
    // One that was never joined, or was left before the daemon died: what counts is that it goes.
    await client.call('NetworkDriver.Leave', ids, RELEASE).catch(ignoreRefusal)
    await client.call('NetworkDriver.DeleteEndpoint', ids, RELEASE)
  }

  /** Newer than the rest of the protocol: a plugin without it publishes nothing. */
  async #publish(client: PluginClient, body: object): Promise<void> {
    try {
      await client.call('NetworkDriver.ProgramExternalConnectivity', body)
    } catch (error) {
      if (!(error instanceof PluginError) || error.status !== 404) throw error
    }
  }

  #client(name: string): Promise<PluginClient> {
    return this.#plugins.get(name, 'NetworkDriver')
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof PluginError)) throw error
}

function poolData(pool: NetworkRecord['pools'][number]): object {
  const { prefix } = parseCidr(pool.subnet).subnet
  return {
    AddressSpace: 'LocalDefault',
    Pool: pool.subnet,
    Gateway: pool.gateway === null ? '' : `${pool.gateway}/${prefix}`,
    AuxAddresses: Object.fromEntries(
      Object.entries(pool.aux).map(([name, address]) => [name, `${address}/${prefix}`]),
    ),
  }
}

function withPrefix(network: NetworkRecord, address: string | null): string {
  if (address === null) return ''
  const family = address.includes(':') ? 6 : 4
  const pool = network.pools.find((candidate) => candidate.family === family)
  return pool === undefined ? '' : `${address}/${parseCidr(pool.subnet).subnet.prefix}`
}

/** What was asked for stands; what the plugin chose fills the gaps. @throws InvalidArgumentError for answers that cannot be. */
function readEndpoint(
  parts: {
    readonly asked: { readonly Address: string; readonly AddressIPv6: string; readonly MacAddress: string }
    readonly chosen: PluginAnswer
    readonly joined: PluginAnswer
  },
  plugin: string,
): PluginEndpoint {
  const { asked, chosen, joined } = parts
  try {
    const cidr = (name: 'Address' | 'AddressIPv6'): ReturnType<typeof parseCidr> | null => {
      const text = asked[name] || textField(chosen, name)
      return text === '' ? null : parseCidr(text)
    }
    const [v4, v6] = [cidr('Address'), cidr('AddressIPv6')]
    const link = recordField(joined, 'InterfaceName') ?? {}
    const [name, prefix] = [textField(link, 'DstName'), textField(link, 'DstPrefix')]
    const gateway = (field: string): string | null => addressOrNull(textField(joined, field))
    return {
      mac: asked.MacAddress || textField(chosen, 'MacAddress') || null,
      ipv4: v4 === null ? null : formatAddress(v4.address),
      ipv6: v6 === null ? null : formatAddress(v6.address),
      ifname: name !== '' ? { name } : prefix !== '' ? { prefix } : null,
      foreign: {
        link: textField(link, 'SrcName') || null,
        gateways: { 4: gateway('Gateway'), 6: gateway('GatewayIPv6') },
        prefixes: { 4: v4?.subnet.prefix ?? 0, 6: v6?.subnet.prefix ?? 0 },
        routes: recordsField(joined, 'StaticRoutes').map((route) => {
          const destination = textField(route, 'Destination')
          parseCidr(destination)
          return { destination, via: addressOrNull(textField(route, 'NextHop')) }
        }),
      },
    }
  } catch (cause) {
    throw new InvalidArgumentError(`plugin "${plugin}" answered what cannot be: ${String(cause)}`, { cause })
  }
}

function addressOrNull(text: string): string | null {
  return text === '' ? null : formatAddress(parseAddress(text.replace(/\/\d+$/, '')))
}
