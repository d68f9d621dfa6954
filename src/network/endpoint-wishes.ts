import { InvalidArgumentError, NotFoundError, PermissionDeniedError } from '#errors/errors.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { SandboxRequest } from './networks.ts'
import type { NetworkRecord } from './records.ts'

/** Why a container cannot be in such a network besides others, by driver. */
export const CONFLICTS = {
  host: 'cannot connect container to host network - container must be created in host network mode',
  null: 'container cannot be connected to multiple networks with one of the networks in private (none) mode',
} as const

/** A network that a container is to be in, and how. */
export interface EndpointWish {
  readonly network: NetworkRecord
  readonly settings: EndpointSettings
  /** The MAC address that old clients give for the container, not for an endpoint. */
  readonly mac: string | null
}

/** The networks that a request names, the primary one first: its link is eth0. */
export function endpointWishes(
  request: SandboxRequest,
  resolve: (ref: string) => NetworkRecord,
): EndpointWish[] {
  const { mode } = request
  if (mode.kind === 'none' || mode.kind === 'host') {
    return [{ network: resolve(mode.kind), settings: {}, mac: null }]
  }
  if (mode.kind === 'container') return []
  // Without a default bridge (`--bridge=none`) what asks for it gets nothing, as from dockerd.
  const isThere = (ref: string): boolean => (ref !== 'bridge' && ref !== 'default') || exists(resolve, ref)
  const named = Object.entries(mode.endpoints).filter(([ref]) => isThere(ref))
  if (named.length === 0 && !isThere(mode.primary))
    return [{ network: resolve('none'), settings: {}, mac: null }]
  const primary = resolve(isThere(mode.primary) ? mode.primary : (named[0]?.[0] ?? mode.primary))
  const wishes = named.map(([ref, settings]) => {
    const network = resolve(ref)
    return { network, settings, mac: network.id === primary.id ? (request.macAddress ?? null) : null }
  })
  if (wishes.every(({ network }) => network.id !== primary.id)) {
    wishes.unshift({ network: primary, settings: {}, mac: request.macAddress ?? null })
  }
  for (const { network } of wishes) {
    if (wishes.length > 1 && (network.driver === 'host' || network.driver === 'null')) {
      throw new InvalidArgumentError(CONFLICTS[network.driver])
    }
    if (network.configOnly) {
      throw new PermissionDeniedError(
        `configuration only network ${network.name} cannot be used to run containers`,
      )
    }
  }
  const rank = (wish: (typeof wishes)[number]): number => (wish.network.id === primary.id ? 0 : 1)
  return wishes.toSorted((a, b) => rank(a) - rank(b) || (a.network.name < b.network.name ? -1 : 1))
}

function exists(resolve: (ref: string) => NetworkRecord, ref: string): boolean {
  try {
    resolve(ref)
    return true
  } catch (error) {
    if (error instanceof NotFoundError) return false
    throw error
  }
}
