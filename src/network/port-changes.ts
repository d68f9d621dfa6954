import type { PortMap } from '#spec/docker/host-config.ts'
import type { PortWish } from './port-spec.ts'
import type { PublishedPort } from './port-spec.ts'

/** A change of what a running container publishes. */
export interface PortChange {
  /** HostConfig.PortBindings and the keys of Config.ExposedPorts, as they are to be. */
  readonly portBindings: PortMap
  readonly exposedPorts: readonly string[]
  /** Published ports that go, also where a wish that stays would fit them: a wish for any free port does. `hostIp` '': at all addresses. */
  readonly drop: readonly PublishedPort[]
  /** Writes the owner's record down, in the same transaction as the network's. */
  record(): void
}

/** What becomes of published ports when the wishes change. */
export interface PortPlan {
  readonly kept: readonly PublishedPort[]
  readonly surplus: readonly PublishedPort[]
  readonly missing: readonly PortWish[]
}

/**
 * Finds the ports that serve wishes already, so that they stay as they are. Wishes for one port choose before those for a range or any, which would fit
 * its port too.
 * @param options.addressesOf the host addresses at which a wish is published: the same port at each
 */
export function planPorts(
  published: readonly PublishedPort[],
  wishes: readonly PortWish[],
  options: {
    readonly drop: PortChange['drop']
    readonly addressesOf: (wish: PortWish) => readonly string[]
  },
): PortPlan {
  const goes = (port: PublishedPort): boolean =>
    options.drop.some((one) => keyOf(one) === keyOf(port) && ['', port.hostIp].includes(one.hostIp))
  const free = new Set(published.filter((port) => !goes(port)))
  const missing: PortWish[] = []
  const width = ({ hostPorts }: PortWish): number =>
    hostPorts === null ? Infinity : hostPorts.last - hostPorts.first
  for (const wish of wishes.toSorted((a, b) => compare(width(a), width(b)))) {
    const addresses = options.addressesOf(wish)
    const first = [...free].find((port) => serves(port, wish) && port.hostIp === addresses[0])
    const group = first === undefined ? [] : groupOf(first, free, addresses)
    if (group.length === 0 || group.length < addresses.length) missing.push(wish)
    else for (const port of group) free.delete(port)
  }
  const kept = published.filter((port) => !free.has(port) && !goes(port))
  return { kept, surplus: published.filter((port) => !kept.includes(port)), missing }
}

function serves(port: PublishedPort, wish: PortWish): boolean {
  if (port.protocol !== wish.protocol || port.containerPort !== wish.containerPort) return false
  const { hostPorts } = wish
  return hostPorts === null || (port.hostPort >= hostPorts.first && port.hostPort <= hostPorts.last)
}

function groupOf(
  first: PublishedPort,
  free: ReadonlySet<PublishedPort>,
  addresses: readonly string[],
): PublishedPort[] {
  return [...free].filter((port) => keyOf(port) === keyOf(first) && addresses.includes(port.hostIp))
}

function keyOf(port: PublishedPort): string {
  return `${port.protocol}/${String(port.containerPort)}/${String(port.hostPort)}`
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
