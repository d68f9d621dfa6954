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
  /** Finds a network as the user named it. @throws NotFoundError. */
  resolve(ref: string): NetworkRecord
  /** The bridge network that gives containers of overlay networks their way out; made when it is needed. */
  readonly gatewayNetwork: () => Promise<NetworkRecord>
}

/** Takes addresses and names for the endpoints of a container, nothing of which is made yet. It waits for nobody but the cluster store. */
export class EndpointPlanner {
  readonly #parts: PlannerParts

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  /** The endpoints of a container that starts. @throws as `add`. */
  async plan(request: SandboxRequest): Promise<EndpointRecord[]> {
    const endpoints: EndpointRecord[] = []
    try {
      for (const wish of endpointWishes(request, this.#parts.resolve)) {
        endpoints.push(...(await this.add(request, endpoints, wish)))
      }
    } catch (error) {
      for (const endpoint of endpoints) this.giveBack(endpoint)
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
    wish: EndpointWish,
  ): Promise<EndpointRecord[]> {
    const { network, settings, mac } = wish
    const { pools, overlay } = this.#parts
    validateEndpoint(network, settings)
    const ifnamesTaken = new Set(before.map((endpoint) => endpoint.ifname ?? ''))
    const plan = (): EndpointRecord => planEndpoint(pools, network, { settings, request, ifnamesTaken, mac })
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
      this.giveBack(endpoint)
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

  /** Gives an endpoint back that no record names any more. */
  giveBack(endpoint: EndpointRecord): void {
    releaseEndpoint(this.#parts.pools, endpoint)
    if (this.#parts.store.network(endpoint.networkId)?.driver === 'overlay')
      this.#parts.overlay.release(endpoint)
  }
}
