import type { PastBuild, PastBuildDetails } from '#spec/build-history.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { type BuildSession, openBuildSession, type SessionAnswers } from './build-session.ts'
import { filtersQuery } from './filters.ts'
import { bodyChunks } from './http1.ts'
import type { ProgressMessage } from './images.ts'
import { jsonValues } from './streams.ts'
import type { Query, Transport } from './transport.ts'

/** `/build`. */
export class Builds {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Builds from a context, a tar stream; `query` has the parameters under the API's own names. */
  async build(
    query: Query,
    options: { context?: AsyncIterable<Uint8Array>; registryConfig?: string; signal?: AbortSignal },
  ): Promise<AsyncIterable<ProgressMessage>> {
    const headers: Record<string, string> = { 'Content-Type': 'application/x-tar' }
    if (options.registryConfig !== undefined) headers['X-Registry-Config'] = options.registryConfig
    const body = options.context === undefined ? {} : { body: options.context }
    const response = await this.#transport.request('/build', {
      method: 'POST',
      query,
      headers,
      signal: options.signal,
      ...body,
    })
    return jsonValues<ProgressMessage>(bodyChunks(response))
  }

  /** Opens the side channel of a build; its id goes into the build's query as `wharfsession`. */
  session(answers: SessionAnswers): Promise<BuildSession> {
    return openBuildSession(this.#transport, answers)
  }

  /** The last builds, newest first. */
  history(): Promise<readonly PastBuild[]> {
    return this.#transport.json('/build/history')
  }

  /** A past build by its id or the beginning of it. */
  pastBuild(id: string): Promise<PastBuildDetails> {
    return this.#transport.json(`/build/history/${encodeURIComponent(id)}`)
  }

  prune(
    options: {
      all?: boolean
      reservedSpaceBytes?: number | undefined
      maxUsedSpaceBytes?: number | undefined
      minFreeSpaceBytes?: number | undefined
      filters?: Filters
    } = {},
  ): Promise<{ CachesDeleted?: readonly string[] | null; SpaceReclaimed?: number }> {
    const { all, filters } = options
    const query = {
      all: all === true ? 1 : undefined,
      // Both names: daemons before 1.48 know the first one.
      'keep-storage': options.reservedSpaceBytes,
      'reserved-space': options.reservedSpaceBytes,
      'max-used-space': options.maxUsedSpaceBytes,
      'min-free-space': options.minFreeSpaceBytes,
      filters: filtersQuery(filters),
    }
    return this.#transport.json('/build/prune', { method: 'POST', query })
  }
}
