import type { ContainerInspectResponse, ContainerSummary } from '#spec/docker/container.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { ContainerStatsResponse } from '#spec/docker/stats.ts'
import type { ApiVersion } from '../http/versions.ts'

/** An inspected container as a version of the API shows it. */
export function shapeContainer(container: ContainerInspectResponse, version: ApiVersion): object {
  if (version >= 52) return container
  const { Storage: _, ...shown } = container
  const networks = withIdAlias(container.NetworkSettings?.Networks ?? {}, {
    version,
    id: container.Id ?? '',
  })
  return {
    ...shown,
    ...(version < 48 && { ImageManifestDescriptor: undefined }),
    NetworkSettings: {
      // Until 1.51 the endpoint on the default bridge was also shown here.
      Bridge: '',
      HairpinMode: false,
      LinkLocalIPv6Address: '',
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      ...legacyEndpoint(container.NetworkSettings?.Networks?.['bridge']),
      ...container.NetworkSettings,
      Networks: networks,
    },
  }
}

/** A listed container as a version of the API shows it. */
export function shapeContainerSummary(summary: ContainerSummary, version: ApiVersion): object {
  const { Health, ImageManifestDescriptor, SizeRw, SizeRootFs, NetworkSettings, ...shown } = summary
  return {
    ...shown,
    ...(version < 46 && { HostConfig: { NetworkMode: summary.HostConfig?.NetworkMode ?? '' } }),
    // As Go writes them: a size of nothing is left out.
    ...(SizeRw && { SizeRw }),
    ...(SizeRootFs && { SizeRootFs }),
    ...(version >= 48 && ImageManifestDescriptor && { ImageManifestDescriptor }),
    ...(version >= 52 && Health && { Health }),
    ...(NetworkSettings && {
      NetworkSettings: { Networks: listedEndpoints(NetworkSettings.Networks ?? {}) },
    }),
  }
}

/** A list tells where a container is, not what names it has there. */
function listedEndpoints(
  networks: Readonly<Record<string, EndpointSettings>>,
): Record<string, EndpointSettings> {
  const hidden = { Links: null, Aliases: null, DriverOpts: null, DNSNames: null }
  return Object.fromEntries(
    Object.entries(networks).map(([name, endpoint]) => [name, { ...endpoint, ...hidden }]),
  )
}

function legacyEndpoint(endpoint: EndpointSettings | undefined): object {
  return {
    EndpointID: endpoint?.EndpointID ?? '',
    Gateway: endpoint?.Gateway ?? '',
    GlobalIPv6Address: endpoint?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: endpoint?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: endpoint?.IPAddress ?? '',
    IPPrefixLen: endpoint?.IPPrefixLen ?? 0,
    IPv6Gateway: endpoint?.IPv6Gateway ?? '',
    MacAddress: endpoint?.MacAddress ?? '',
  }
}

/** Before 1.45 the short id stood among the aliases. */
function withIdAlias(
  networks: Readonly<Record<string, EndpointSettings>>,
  about: { readonly version: ApiVersion; readonly id: string },
): Readonly<Record<string, EndpointSettings>> {
  if (about.version >= 45) return networks
  const short = about.id.slice(0, 12)
  const withAlias = (endpoint: EndpointSettings): EndpointSettings =>
    endpoint.DNSNames?.includes(short) === true && endpoint.Aliases?.includes(short) !== true
      ? { ...endpoint, Aliases: [...(endpoint.Aliases ?? []), short] }
      : endpoint
  return Object.fromEntries(Object.entries(networks).map(([name, endpoint]) => [name, withAlias(endpoint)]))
}

/** Figures as a version of the API shows them. */
export function shapeStats(figures: ContainerStatsResponse, version: ApiVersion): object {
  if (version >= 52) return figures
  const { os_type: _, ...shown } = figures
  return shown
}
