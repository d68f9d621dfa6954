import type { Filters } from '#spec/docker/filters.ts'
import type { EndpointSettings, NetworkCreateResponse, NetworkSummary } from '#spec/docker/network.ts'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import { INSPECT_VERSION } from './inspect-version.ts'
import { filtersQuery } from './filters.ts'
import type { Transport } from './transport.ts'

const base = (id: string): string => `/networks/${encodeURIComponent(id)}`

/** `/networks`. */
export class Networks {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  list(options: { filters?: Filters } = {}): Promise<NetworkSummary[]> {
    return this.#transport.json('/networks', { query: { filters: filtersQuery(options.filters) } })
  }

  inspectText(id: string, options: { verbose?: boolean } = {}): Promise<string> {
    return this.#transport.text(base(id), {
      query: { verbose: options.verbose === true ? true : undefined },
      version: INSPECT_VERSION,
    })
  }

  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse> {
    return this.#transport.json('/networks/create', { method: 'POST', json: request })
  }

  async remove(id: string): Promise<void> {
    await this.#transport.text(base(id), { method: 'DELETE' })
  }

  async connect(
    id: string,
    request: { Container: string; EndpointConfig?: EndpointSettings },
  ): Promise<void> {
    await this.#transport.text(`${base(id)}/connect`, { method: 'POST', json: request })
  }

  async disconnect(id: string, request: { Container: string; Force: boolean }): Promise<void> {
    await this.#transport.text(`${base(id)}/disconnect`, { method: 'POST', json: request })
  }

  prune(filters?: Filters): Promise<{ NetworksDeleted?: readonly string[] | null }> {
    return this.#transport.json('/networks/prune', {
      method: 'POST',
      query: { filters: filtersQuery(filters) },
    })
  }
}
