import { shortId } from '#base/ids.ts'
import type { PortBinding, PortMap } from '#spec/docker/host-config.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import { parseCidr } from './cidr.ts'
import { isUserDefined } from './endpoints.ts'
import { hostFile, hostResolver, hostsFile, reachableServers, resolvConf } from './etc-files.ts'
import type { ResolverConfig } from './etc-files.ts'
import { gatewayAt } from './gateways.ts'
import { parsePort } from './port-spec.ts'
import type { Sandbox } from './networks.ts'
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts'

/** What a description of a sandbox needs to know of the rest. */
export interface ViewContext {
  networkOf(id: string): NetworkRecord | null
  sandboxOf(containerId: string): SandboxRecord | null
  /** Daemon-wide resolver settings; empty lists mean the host's. */
  readonly dns: ResolverConfig
  /** The address behind the name `host-gateway`. */
  hostGateway(): string | null
}

/** The address of the embedded DNS server in each container of a user-defined network. */
export const EMBEDDED_DNS = '127.0.0.11'

/** A sandbox as its container and its inspector see it. */
export function viewSandbox(record: SandboxRecord, context: ViewContext): Sandbox {
  return {
    netnsPath: record.netnsPath,
    sandboxId: record.sandboxId,
    sandboxKey: record.netnsPath ?? '/var/run/docker/netns/default',
    endpoints: Object.fromEntries(
      shown(record).map((endpoint) => [
        endpoint.networkName,
        viewEndpoint(endpoint, context.networkOf(endpoint.networkId)),
      ]),
    ),
    ports: portMap(record),
    hosts: hostsText(record, context),
    resolvConf: resolvText(record, context),
  }
}

/** The endpoints that the user asked for. */
function shown(record: SandboxRecord): readonly EndpointRecord[] {
  return record.endpoints.filter((endpoint) => endpoint.isGateway !== true)
}

/** NetworkSettings.Networks[name]. */
export function viewEndpoint(endpoint: EndpointRecord, network: NetworkRecord | null): EndpointSettings {
  const { settings } = endpoint
  const prefix = (family: 4 | 6): number => {
    const pool = network?.pools.find((candidate) => candidate.family === family)
    if (endpoint.foreign !== undefined) return endpoint.foreign.prefixes[family]
    return pool === undefined ? 0 : parseCidr(pool.subnet).subnet.prefix
  }
  const gateway = (family: 4 | 6): string =>
    network === null ? '' : (gatewayAt(endpoint, network, family) ?? '')
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: settings.Links ?? null,
    Aliases: settings.Aliases ?? null,
    DriverOpts: settings.DriverOpts ?? null,
    GwPriority: settings.GwPriority ?? 0,
    NetworkID: endpoint.networkId,
    EndpointID: endpoint.id,
    Gateway: endpoint.ipv4 === null ? '' : gateway(4),
    IPAddress: endpoint.ipv4 ?? '',
    MacAddress: endpoint.mac ?? '',
    IPPrefixLen: endpoint.ipv4 === null ? 0 : prefix(4),
    IPv6Gateway: endpoint.ipv6 === null ? '' : gateway(6),
    GlobalIPv6Address: endpoint.ipv6 ?? '',
    GlobalIPv6PrefixLen: endpoint.ipv6 === null ? 0 : prefix(6),
    DNSNames: endpoint.dnsNames.length === 0 ? null : endpoint.dnsNames,
  }
}

function portMap(record: SandboxRecord): PortMap {
  const map: Record<string, PortBinding[] | null> = {}
  if (record.endpoints.every((endpoint) => endpoint.ifname === null)) return map
  for (const spec of [...record.request.exposedPorts, ...Object.keys(record.request.portBindings)]) {
    const { port, protocol } = parsePort(spec)
    map[`${String(port)}/${protocol}`] = null
  }
  for (const port of record.endpoints.flatMap((endpoint) => endpoint.ports)) {
    const key = `${String(port.containerPort)}/${port.protocol}`
    map[key] = [...(map[key] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }]
  }
  return map
}

/** The text of /etc/hosts: also when only a link of the container has changed. */
export function hostsText(record: SandboxRecord, context: ViewContext): string {
  const { request } = record
  const isHost = request.mode.kind === 'host'
  if (isHost && request.extraHosts.length === 0) return hostFile('/etc/hosts')
  const addresses = shown(record)
    .flatMap((endpoint) => [endpoint.ipv4, endpoint.ipv6])
    .filter((address) => address !== null)
  return hostsFile({
    addresses,
    hostname: request.hostname === '' ? shortId(record.containerId) : request.hostname,
    domainname: request.domainname,
    extra: [...extraHosts(record, context), ...linkedHosts(record, context)],
  })
}

function extraHosts(record: SandboxRecord, context: ViewContext): { address: string; names: string }[] {
  return record.request.extraHosts.flatMap((entry) => {
    const at = entry.search(/[:=]/)
    const names = entry.slice(0, at)
    const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
    if (address !== 'host-gateway') return [{ address, names }]
    const gateway = context.hostGateway()
    return gateway === null ? [] : [{ address: gateway, names }]
  })
}

/** Links of the default bridge: the other's alias, hostname and name, for as long as it runs. */
function linkedHosts(record: SandboxRecord, context: ViewContext): { address: string; names: string }[] {
  return record.request.links.flatMap((link) => {
    const other = context.sandboxOf(link.containerId)
    const endpoint = other?.endpoints.find((candidate) => candidate.networkName === 'bridge')
    if (other === null || endpoint === undefined) return []
    const hostname = other.request.hostname === '' ? shortId(other.containerId) : other.request.hostname
    const names = [...new Set([link.alias, hostname, other.containerName])].join(' ')
    return [endpoint.ipv4, endpoint.ipv6]
      .filter((address) => address !== null)
      .map((address) => ({ address, names }))
  })
}

/** The servers that the embedded DNS asks for what it does not know. */
export function upstreamServers(record: SandboxRecord, context: ViewContext): readonly string[] {
  return effectiveResolver(record, context).servers
}

function effectiveResolver(record: SandboxRecord, context: ViewContext): ResolverConfig {
  const { dns } = record.request
  const host = hostResolver()
  const pick = (
    own: readonly string[],
    daemon: readonly string[],
    otherwise: readonly string[],
  ): readonly string[] => (own.length > 0 ? own : daemon.length > 0 ? daemon : otherwise)
  return {
    servers: pick(dns.servers, context.dns.servers, host.servers),
    search: pick(dns.search, context.dns.search, host.search),
    options: pick(dns.options, context.dns.options, host.options),
  }
}

function resolvText(record: SandboxRecord, context: ViewContext): string {
  const { dns, mode } = record.request
  const untouched = [dns.servers, dns.search, dns.options].every((list) => list.length === 0)
  if (mode.kind === 'host' && untouched) return hostFile('/etc/resolv.conf')
  const resolver = effectiveResolver(record, context)
  if (!usesEmbeddedDns(record, context)) {
    // What somebody has asked for stands, even where it can hardly be reached.
    const isAsked = dns.servers.length > 0 || context.dns.servers.length > 0
    const servers = mode.kind === 'host' || isAsked ? resolver.servers : reachableServers(resolver.servers)
    return resolvConf({ ...resolver, servers })
  }
  const options = resolver.options.some((option) => option.startsWith('ndots:'))
    ? resolver.options
    : [...resolver.options, 'ndots:0']
  return resolvConf({ servers: [EMBEDDED_DNS], search: resolver.search, options })
}

/** Tells whether the container asks the embedded DNS: it is in a network that has names. */
export function usesEmbeddedDns(record: SandboxRecord, context: Pick<ViewContext, 'networkOf'>): boolean {
  return record.endpoints.some((endpoint) => {
    const network = context.networkOf(endpoint.networkId)
    return network !== null && isUserDefined(network) && endpoint.ifname !== null
  })
}
