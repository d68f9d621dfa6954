import { InvalidArgumentError } from '#errors/errors.ts'
import type { PortMap } from '#spec/docker/host-config.ts'

export type PortProtocol = 'tcp' | 'udp' | 'sctp'

/** A wish for a host port. */
export interface PortWish {
  readonly protocol: PortProtocol
  readonly containerPort: number
  /** '' when the user did not say. */
  readonly hostIp: string
  /** The host ports to choose from: one, a range, or null for any free one. */
  readonly hostPorts: { readonly first: number; readonly last: number } | null
}

/** A port of a container that is published. */
export interface PublishedPort {
  readonly protocol: PortProtocol
  readonly containerPort: number
  readonly hostIp: string
  readonly hostPort: number
  /** Passed on by the daemon instead of the firewall: the host's INPUT rules hold for it. */
  readonly relayed?: boolean
}

/** Reads `80/tcp`, `80`. @throws InvalidArgumentError. */
export function parsePort(text: string): { readonly port: number; readonly protocol: PortProtocol } {
  const match = /^(\d{1,5})(?:\/([a-zA-Z]+))?$/.exec(text)
  const port = Number(match?.[1])
  const protocol = (match?.[2] ?? 'tcp').toLowerCase()
  if (match === null || port > 65535) throw new InvalidArgumentError(`invalid port specification: "${text}"`)
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
    throw new InvalidArgumentError(`invalid port specification: "${text}"`)
  }
  return { port, protocol }
}

/** What HostConfig.PortBindings, Config.ExposedPorts and HostConfig.PublishAllPorts together wish for, in the order of container ports. */
export function portWishes(request: {
  readonly portBindings: PortMap
  readonly exposedPorts: readonly string[]
  readonly publishAll: boolean
}): PortWish[] {
  const wishes: PortWish[] = []
  const bound = new Set<string>()
  for (const [spec, bindings] of Object.entries(request.portBindings)) {
    const { port, protocol } = parsePort(spec)
    if (bindings === null || bindings.length === 0) continue
    bound.add(`${String(port)}/${protocol}`)
    for (const binding of bindings) {
      const hostPorts = parseHostPorts(binding.HostPort ?? '')
      wishes.push({ protocol, containerPort: port, hostIp: binding.HostIp ?? '', hostPorts })
    }
  }
  if (request.publishAll) {
    for (const spec of request.exposedPorts) {
      const { port, protocol } = parsePort(spec)
      if (bound.has(`${String(port)}/${protocol}`)) continue
      wishes.push({ protocol, containerPort: port, hostIp: '', hostPorts: null })
    }
  }
  return wishes.sort((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol))
}

function parseHostPorts(text: string): PortWish['hostPorts'] {
  if (text === '' || text === '0') return null
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || last > 65535 || first > last)
    throw new InvalidArgumentError(`invalid port specification: "${text}"`)
  return { first, last }
}
