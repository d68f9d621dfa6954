import { InvalidArgumentError } from '#errors/errors.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { EndpointSettings, NetworkingConfig } from '#spec/docker/network.ts'

/** What is asked of each network, HostConfig.NetworkMode's among them. @throws InvalidArgumentError in Docker's words */
export function endpointsOf(
  host: HostConfig,
  networking: NetworkingConfig,
): Readonly<Record<string, EndpointSettings>> {
  const mode = host.NetworkMode ?? 'bridge'
  const asked = Object.entries(networking.EndpointsConfig ?? {}).map(
    ([name, settings]) => [name === 'default' ? 'bridge' : name, settings ?? {}] as const,
  )
  if (mode === 'none' || mode === 'host' || mode.startsWith('container:')) {
    if (asked.some(([name]) => name !== mode)) {
      throw new InvalidArgumentError(
        'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
      )
    }
    return {}
  }
  // The primary network comes first: its gateway is the default one when priorities are equal.
  const own = asked.find(([name]) => name === mode)?.[1] ?? {}
  return Object.fromEntries([[mode, own], ...asked.filter(([name]) => name !== mode)])
}
