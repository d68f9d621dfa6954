import type { NetworkSettings } from '#spec/docker/container.ts'
import type { PortMap } from '#spec/docker/host-config.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { Networks } from '#network/networks.ts'
import type { ContainerRecord } from '../records.ts'
import { isAlive } from '../state.ts'

/** NetworkSettings of a container: as it stands while it runs, else what it will ask for. */
export function networkSettings(record: ContainerRecord, networks: Networks): NetworkSettings {
  const sandbox = isAlive(record.state) ? networks.describe(record.id) : null
  if (sandbox !== null) {
    const { sandboxId, sandboxKey, ports, endpoints } = sandbox
    return { SandboxID: sandboxId, SandboxKey: sandboxKey, Ports: ports, Networks: endpoints }
  }
  return { SandboxID: '', SandboxKey: '', Ports: {}, Networks: restingEndpoints(record, networks) }
}

/** What is published now. */
export function livePorts(record: ContainerRecord, networks: Networks): PortMap {
  return isAlive(record.state) ? (networks.describe(record.id)?.ports ?? {}) : {}
}

function restingEndpoints(record: ContainerRecord, networks: Networks): Record<string, EndpointSettings> {
  const mode = record.hostConfig.NetworkMode ?? ''
  if (mode.startsWith('container:')) return {}
  const names = mode === 'none' || mode === 'host' ? { [mode]: {} } : record.endpoints
  return Object.fromEntries(
    Object.entries(names).map(([name, settings]) => [
      name,
      { ...RESTING, ...settings, NetworkID: idOf(name, networks) },
    ]),
  )
}

function idOf(name: string, networks: Networks): string {
  try {
    return networks.resolve(name).id
  } catch {
    // The network was removed since; Docker shows the name without an id as well.
    return ''
  }
}

const RESTING: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  MacAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
}
