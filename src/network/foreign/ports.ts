import type { SandboxRequest } from '../networks.ts'
import { parsePort, portWishes } from '../port-spec.ts'
import type { EndpointRecord } from '../records.ts'

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const

/** A container's ports as network plugins are told of them. */
export function pluginPorts(request: SandboxRequest): {
  readonly exposedPorts: readonly object[]
  readonly portMap: readonly object[]
} {
  return {
    exposedPorts: request.exposedPorts.map((text) => {
      const { port, protocol } = parsePort(text)
      return { Proto: PROTOCOLS[protocol], Port: port }
    }),
    portMap: portWishes(request).map(({ protocol, containerPort, hostIp, hostPorts }) => ({
      Proto: PROTOCOLS[protocol],
      IP: '',
      Port: containerPort,
      HostIP: hostIp,
      HostPort: hostPorts?.first ?? 0,
      HostPortEnd: hostPorts?.last ?? 0,
    })),
  }
}

/** What the user asked for, for CNI plugins that say by their capabilities that they can (conventions of CNI). */
export function cniRuntimeConfig(
  request: SandboxRequest,
  endpoint: EndpointRecord,
): Readonly<Record<string, unknown>> {
  const { IPv4Address, IPv6Address } = endpoint.settings.IPAMConfig ?? {}
  const ips = [IPv4Address, IPv6Address].filter(
    (address) => address !== undefined && address !== null && address !== '',
  )
  const portMappings = portWishes(request).flatMap(({ protocol, containerPort, hostIp, hostPorts }) =>
    hostPorts === null
      ? []
      : [{ protocol, containerPort, hostPort: hostPorts.first, ...(hostIp !== '' && { hostIP: hostIp }) }],
  )
  return {
    ...(ips.length > 0 && { ips }),
    ...(endpoint.mac !== null && { mac: endpoint.mac }),
    ...(portMappings.length > 0 && { portMappings }),
  }
}
