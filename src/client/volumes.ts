import type { Filters } from '#spec/docker/filters.ts'
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '#spec/docker/volume.ts'
import { filtersQuery } from './filters.ts'
import type { Transport } from './transport.ts'

const base = (name: string): string => `/volumes/${encodeURIComponent(name)}`

/** `/volumes`. */
export class Volumes {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  list(options: { filters?: Filters } = {}): Promise<VolumeListResponse> {
    return this.#transport.json('/volumes', { query: { filters: filtersQuery(options.filters) } })
  }

  inspectText(name: string): Promise<string> {
    return this.#transport.text(base(name))
  }

  create(request: VolumeCreateRequest): Promise<Volume> {
    return this.#transport.json('/volumes/create', { method: 'POST', json: request })
  }

  async remove(name: string, options: { force?: boolean } = {}): Promise<void> {
    await this.#transport.text(base(name), {
      method: 'DELETE',
      query: { force: options.force === true ? 1 : undefined },
    })
  }

  prune(filters?: Filters): Promise<{ VolumesDeleted?: readonly string[] | null; SpaceReclaimed?: number }> {
    return this.#transport.json('/volumes/prune', {
      method: 'POST',
      query: { filters: filtersQuery(filters) },
    })
  }
}
