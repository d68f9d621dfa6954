import type { Foreign, GivenEndpoint } from './foreign/foreign.ts'
import { endpointWishes } from './endpoint-wishes.ts'
import type { EndpointWish } from './endpoint-wishes.ts'
import { planEndpoint, releaseEndpoint, validateEndpoint } from './endpoints.ts'
import type { NetworkStore } from './network-store.ts'
import type { SandboxRequest } from './networks.ts'
import type { Overlay } from './overlay/overlay.ts'
import type { Pools } from './pools.ts'
import type { EndpointRecord, NetworkRecord } from './records.ts'

/** What it is made of. */
export interface PlannerParts {
  readonly store: NetworkStore
  readonly pools: Pools
  readonly overlay: Overlay
  readonly foreign: Foreign
  /** Finds a network as the user named it. @throws NotFoundError. */
  resolve(ref: string): NetworkRecord
  /** The bridge network that gives containers of overlay networks their way out; made when it is needed. */
  readonly gatewayNetwork: () => Promise<NetworkRecord>
}

/** Takes addresses and names for the endpoints of a container, nothing of which is made yet but by others: it waits for the cluster store and for plugins. */
export class EndpointPlanner {
  readonly #parts: PlannerParts

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  /** The endpoints of a container that starts. @throws as `add`. */
  async plan(request: SandboxRequest, netnsPath: string): Promise<EndpointRecord[]> {
    const endpoints: EndpointRecord[] = []
    try {
      for (const wish of endpointWishes(request, this.#parts.resolve)) {
        endpoints.push(...(await this.add(request, endpoints, { ...wish, netnsPath })))
      }
    } catch (error) {
      for (const endpoint of endpoints) await this.giveBack(endpoint)
      throw error
    }
    return endpoints
  }

  /**
   * One more endpoint besides those that are there; with the first one in an overlay network comes one in the gateway network.
   * @throws InvalidArgumentError; PermissionDeniedError when an address is taken or none is left; UnavailableError when the cluster store does not answer.
   */
  async add(
    request: SandboxRequest,
    before: readonly EndpointRecord[],
    wish: EndpointWish & { readonly netnsPath: string },
  ): Promise<EndpointRecord[]> {
    const { network, settings, mac } = wish
    const { pools, overlay, foreign } = this.#parts
    validateEndpoint(network, settings)
    const ifnamesTaken = new Set(before.map((endpoint) => endpoint.ifname ?? ''))
    const plan = (given?: GivenEndpoint): EndpointRecord =>
      planEndpoint(pools, network, { settings, request, ifnamesTaken, mac, ...(given && { given }) })
    if (foreign.isNeededFor(network)) return [await this.#addForeign(plan, { wish, request, ifnamesTaken })]
    if (network.driver !== 'overlay') return [plan()]
    const needsGateway = !network.internal && !before.some((endpoint) => endpoint.isGateway === true)
    const gateway = needsGateway ? await this.#parts.gatewayNetwork() : null
    const endpoint = await overlay.claim(plan, request)
    if (gateway === null) return [endpoint]
    try {
      const names = new Set([...ifnamesTaken, endpoint.ifname ?? ''])
      const way = planEndpoint(pools, gateway, { settings: {}, request, ifnamesTaken: names })
      return [endpoint, { ...way, dnsNames: [], isGateway: true }]
    } catch (error) {
      await this.giveBack(endpoint)
      throw error
    }
  }

  async #addForeign(
    plan: (given: GivenEndpoint) => EndpointRecord,
    options: {
      readonly wish: EndpointWish & { readonly netnsPath: string }
      readonly request: SandboxRequest
      readonly ifnamesTaken: ReadonlySet<string>
    },
  ): Promise<EndpointRecord> {
    const { pools, foreign } = this.#parts
    const planned: EndpointRecord[] = []
    try {
      return await foreign.claim(
        (given) => {
          const endpoint = plan(given)
          planned.push(endpoint)
          return endpoint
        },
        { ...options, netnsPath: options.wish.netnsPath },
      )
    } catch (error) {
      for (const endpoint of planned) releaseEndpoint(pools, endpoint)
      throw error
    }
  }

  /** Endpoints that go when one goes: with the last one in an overlay network the one in the gateway network. */
  leaving(endpoint: EndpointRecord, all: readonly EndpointRecord[]): EndpointRecord[] {
    const needsGateway = all.some((other) => {
      const network = this.#parts.store.network(other.networkId)
      return other !== endpoint && network?.driver === 'overlay' && !network.internal
    })
    return all.filter((other) => other === endpoint || (other.isGateway === true && !needsGateway))
  }

  /** Gives an endpoint back that no record names any more: our part of it at once, others' when it resolves. Never fails for theirs. */
  async giveBack(endpoint: EndpointRecord): Promise<void> {
    releaseEndpoint(this.#parts.pools, endpoint)
    if (this.#parts.store.network(endpoint.networkId)?.driver === 'overlay')
      this.#parts.overlay.release(endpoint)
    await this.#parts.foreign.giveBack(endpoint.id)
  }
}
