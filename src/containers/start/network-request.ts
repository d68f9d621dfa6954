import type { UserNamespace } from '#kernel/user-namespaces.ts'
import type { NetworkMode, SandboxRequest } from '#network/networks.ts'
import type { ContainerRecord } from '../records.ts'

/** The network of a container record as the network area asks for it. `resolve` gives the id of another container, `owner` is the user namespace. */
export function sandboxRequest(
  record: ContainerRecord,
  resolve: (reference: string) => { readonly id: string; readonly name: string },
  owner: UserNamespace | null = null,
): SandboxRequest {
  const { config, hostConfig } = record
  return {
    containerId: record.id,
    containerName: record.name,
    mode: networkMode(record, resolve),
    hostname: config.Hostname ?? '',
    domainname: config.Domainname ?? '',
    dns: {
      servers: hostConfig.Dns ?? [],
      options: hostConfig.DnsOptions ?? [],
      search: hostConfig.DnsSearch ?? [],
    },
    extraHosts: hostConfig.ExtraHosts ?? [],
    portBindings: hostConfig.PortBindings ?? {},
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    publishAll: hostConfig.PublishAllPorts === true,
    links: record.links.map(({ containerId, alias }) => ({
      containerId,
      containerName: resolve(containerId).name,
      alias,
    })),
    labels: networkLabels(config.Labels ?? {}),
    macAddress: record.macAddress,
    ...(owner === null ? {} : { owner }),
  }
}

/** The labels that the network reads. */
function networkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name.startsWith('wharf.network.')))
}

function networkMode(
  record: ContainerRecord,
  resolve: (reference: string) => { readonly id: string },
): NetworkMode {
  const mode = record.hostConfig.NetworkMode ?? 'bridge'
  if (record.config.NetworkDisabled === true || mode === 'none') return { kind: 'none' }
  if (mode === 'host') return { kind: 'host' }
  if (mode.startsWith('container:')) {
    return { kind: 'container', containerId: resolve(mode.slice('container:'.length)).id }
  }
  return { kind: 'networks', primary: mode, endpoints: record.endpoints }
}
