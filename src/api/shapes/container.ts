import type { ContainerInspectResponse, ContainerSummary } from '#spec/docker/container.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { ApiVersion } from '../http/versions.ts'

/** An inspected container as a version of the API shows it. */
export function shapeContainer(container: ContainerInspectResponse, version: ApiVersion): object {
  if (version >= 52) return container
  const { Storage: _, ...shown } = container
  const networks = withoutDnsNames(container.NetworkSettings?.Networks ?? {}, {
    version,
    id: container.Id ?? '',
  })
  return {
    ...shown,
    ...(version < 48 && { ImageManifestDescriptor: undefined }),
    Config: withMacAddress(container, version),
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
  if (version >= 52) return summary
  const { Health: _, ...shown } = summary
  return {
    ...shown,
    ...(version < 48 && { ImageManifestDescriptor: undefined }),
    ...(summary.NetworkSettings && {
      NetworkSettings: {
        Networks: withoutDnsNames(summary.NetworkSettings.Networks ?? {}, { version, id: summary.Id ?? '' }),
      },
    }),
  }
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

/** Before 1.45 the short id stood among the aliases, and there were no DNSNames. */
function withoutDnsNames(
  networks: Readonly<Record<string, EndpointSettings>>,
  about: { readonly version: ApiVersion; readonly id: string },
): Record<string, object> {
  const shown: Record<string, object> = {}
  for (const [name, endpoint] of Object.entries(networks)) {
    if (about.version >= 45) shown[name] = endpoint
    else {
      const { DNSNames, ...rest } = endpoint
      const short = about.id.slice(0, 12)
      const hasId = DNSNames?.includes(short) === true && rest.Aliases?.includes(short) !== true
      shown[name] = hasId ? { ...rest, Aliases: [...(rest.Aliases ?? []), short] } : rest
    }
  }
  return shown
}

function withMacAddress(container: ContainerInspectResponse, version: ApiVersion): object | null | undefined {
  if (version >= 44 || !container.Config) return container.Config
  const mode = container.HostConfig?.NetworkMode ?? 'default'
  const name = mode === 'default' ? 'bridge' : mode
  const mac = container.NetworkSettings?.Networks?.[name]?.MacAddress ?? ''
  return mac === '' ? container.Config : { ...container.Config, MacAddress: mac }
}
