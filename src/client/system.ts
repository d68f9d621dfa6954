import type { DataUsage } from '#spec/data-usage.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { AuthConfig, AuthResponse } from '#spec/docker/image.ts'
import type { SystemInfo, SystemVersion } from '#spec/docker/system.ts'
import { filtersQuery } from './filters.ts'
import { bodyChunks } from './http1.ts'
import { jsonValues } from './streams.ts'
import { DaemonError, type Transport } from './transport.ts'

/** An event as the stream carries it. */
export interface EventRecord {
  readonly Type: string
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null }
  readonly scope?: string
  readonly time: number
  readonly timeNano?: number | bigint
}

/** Something stored that is not as it must be. */
export interface CheckProblem {
  readonly kind: string
  readonly subject: string
  readonly detail: string
  readonly repaired: boolean
}

/** What the daemon says of itself. */
export class System {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @returns the API version that the daemon prefers. */
  async ping(): Promise<{ apiVersion: string | null; builderVersion: string | null }> {
    const response = await this.#transport.request('/_ping')
    response.socket.destroy()
    return {
      apiVersion: response.headers.get('api-version') ?? null,
      builderVersion: response.headers.get('builder-version') ?? null,
    }
  }

  version(): Promise<SystemVersion> {
    return this.#transport.json('/version')
  }

  info(): Promise<SystemInfo> {
    return this.#transport.json('/info')
  }

  infoText(): Promise<string> {
    return this.#transport.text('/info')
  }

  /** Disk usage in the form of API 1.51 and older, which all daemons serve. */
  diskUsage<T>(options: { types?: readonly string[]; verbose?: boolean } = {}): Promise<T> {
    return this.#transport.json('/system/df', {
      query: { type: options.types, verbose: options.verbose === true ? 1 : undefined },
    })
  }

  /** What all the bytes below the data root are for; a wharf daemon's own, null from others. */
  async dataUsage(): Promise<DataUsage | null> {
    try {
      return await this.#transport.json<DataUsage>('/wharf/data-usage')
    } catch (error) {
      if (error instanceof DaemonError && error.code === 'not_found') return null
      throw error
    }
  }

  /** Makes the daemon read all that it stores; a wharf daemon's own. */
  async check(options: { repair: boolean }): Promise<readonly CheckProblem[]> {
    const query = { repair: options.repair ? 1 : undefined }
    return (
      await this.#transport.json<{ Problems: CheckProblem[] }>('/wharf/check', { method: 'POST', query })
    ).Problems
  }

  auth(config: AuthConfig): Promise<AuthResponse> {
    return this.#transport.json('/auth', { method: 'POST', json: config })
  }

  /** Events, each with its own JSON text. */
  async *events(
    options: {
      since?: string | undefined
      until?: string | undefined
      filters?: Filters
      signal?: AbortSignal
    } = {},
  ): AsyncGenerator<EventRecord> {
    const query = { since: options.since, until: options.until, filters: filtersQuery(options.filters) }
    const response = await this.#transport.request('/events', { query, signal: options.signal })
    yield* jsonValues<EventRecord>(bodyChunks(response), parseEvent)
  }
}

/** Nanoseconds are beyond what a number holds exactly: they become a BigInt. */
function parseEvent(text: string): EventRecord {
  const revive = (key: string, value: unknown, context?: { source?: string }): unknown =>
    key === 'timeNano' && context?.source !== undefined ? BigInt(context.source) : value
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as EventRecord
}
