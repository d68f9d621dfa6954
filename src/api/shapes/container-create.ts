import { InvalidArgumentError } from '#errors/errors.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { ContainerCreateRequest } from '#spec/docker/requests.ts'
import type { ApiVersion } from '../http/versions.ts'
import { containerCreateSchema } from './container-schema.ts'
import { decode } from './schema.ts'

type OldRequest = ContainerCreateRequest & { readonly MacAddress?: string }
type Endpoints = Record<string, EndpointSettings | null>

/**
 * Reads the body of `POST /containers/create` and turns an older version's words into the newest one's.
 * @throws InvalidArgumentError for fields of the wrong kind, or that contradict one another.
 */
export function readContainerCreate(
  body: Record<string, unknown>,
  version: ApiVersion,
): ContainerCreateRequest {
  const { MacAddress, ...request } = decode<OldRequest>(containerCreateSchema, body)
  const hostConfig = adaptHostConfig(request.HostConfig ?? {}, version)
  const endpoints = withMacAddress(
    (request.NetworkingConfig?.EndpointsConfig ?? {}) as Endpoints,
    MacAddress ?? '',
    hostConfig.NetworkMode ?? 'default',
  )
  if (version < 44 && Object.keys(endpoints).length > 1) {
    throw new InvalidArgumentError(
      `Container cannot be created with multiple network endpoints: ${Object.keys(endpoints).join(', ')}`,
    )
  }
  const { StartInterval, ...health } = request.Healthcheck ?? {}
  return {
    ...request,
    ...(request.Healthcheck && {
      Healthcheck: version >= 44 && StartInterval ? { ...health, StartInterval } : health,
    }),
    HostConfig: hostConfig,
    NetworkingConfig: { EndpointsConfig: endpoints as Record<string, EndpointSettings> },
  }
}

function adaptHostConfig(host: HostConfig, version: ApiVersion): HostConfig {
  const adapted: { -readonly [Key in keyof HostConfig]: HostConfig[Key] } = { ...host }
  // Before 1.40 the IPC namespace of a container could be joined unless it said otherwise; before 1.41 there was no
  // choice of cgroup namespace; before 1.42 the client alone could not ask for a console size.
  if (version < 40 && !adapted.IpcMode) adapted.IpcMode = 'shareable'
  if (version < 41) adapted.CgroupnsMode = 'host'
  if (version < 42) delete adapted.ConsoleSize
  if (adapted.PidsLimit !== undefined && adapted.PidsLimit !== null && adapted.PidsLimit <= 0)
    delete adapted.PidsLimit
  return adapted
}

/** `MacAddress` of the container is that of its main endpoint (deprecated since 1.44, still sent by clients). */
function withMacAddress(endpoints: Endpoints, mac: string, networkMode: string): Endpoints {
  if (mac === '') return endpoints
  if (networkMode === 'host' || networkMode === 'none' || networkMode.startsWith('container:')) {
    throw new InvalidArgumentError('conflicting options: mac-address and the network mode')
  }
  const name =
    networkMode === 'default' || networkMode === 'bridge'
      ? nameOfDefault(endpoints, networkMode)
      : networkMode
  const endpoint = endpoints[name] ?? {}
  if (endpoint.MacAddress && endpoint.MacAddress !== mac) {
    throw new InvalidArgumentError(
      'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
    )
  }
  return { ...endpoints, [name]: { ...endpoint, MacAddress: mac } }
}

function nameOfDefault(endpoints: Endpoints, networkMode: string): string {
  return ['default', 'bridge'].find((name) => name in endpoints) ?? networkMode
}
