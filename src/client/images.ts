import type { Readable } from 'node:stream'
import type { Filters } from '#spec/docker/filters.ts'
import type {
  DistributionInspect,
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from '#spec/docker/image.ts'
import type { ImageLayer, LayerFile } from '#spec/image-layers.ts'
import { filtersQuery } from './filters.ts'
import { INSPECT_VERSION } from './inspect-version.ts'
import { bodyChunks, bodyStream } from './http1.ts'
import { jsonValues } from './streams.ts'
import type { Transport } from './transport.ts'

/** One message of a pull, push, load, import or build. */
export interface ProgressMessage {
  readonly id?: string
  readonly status?: string
  readonly progress?: string
  readonly progressDetail?: {
    readonly current?: number
    readonly total?: number
    readonly units?: string
    readonly hidecounts?: boolean
  }
  readonly stream?: string
  readonly error?: string
  readonly errorDetail?: { readonly code?: number; readonly message?: string; readonly source?: unknown }
  readonly aux?: unknown
}

/** An answer of `/images/search`. */
export interface SearchResult {
  readonly name: string
  readonly description: string
  readonly star_count: number
  readonly is_official: boolean
  readonly is_automated?: boolean
}

const base = (name: string): string => `/images/${encodeName(name)}`

/** A reference in a path: slashes stay, as the API wants them. */
function encodeName(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':').replaceAll('%40', '@')
}

/** `/images`. */
export class Images {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  list(
    options: { all?: boolean; filters?: Filters; manifests?: boolean; sharedSize?: boolean } = {},
  ): Promise<ImageSummary[]> {
    const { all, filters, manifests, sharedSize } = options
    const flag = (on: boolean | undefined) => (on === true ? 1 : undefined)
    const query = {
      all: flag(all),
      filters: filtersQuery(filters),
      manifests: flag(manifests),
      'shared-size': flag(sharedSize),
    }
    return this.#transport.json('/images/json', { query })
  }

  inspect(name: string, options: { platform?: string | undefined } = {}): Promise<ImageInspect> {
    return this.#transport.json(`${base(name)}/json`, { query: { platform: options.platform } })
  }

  inspectText(name: string, options: { platform?: string | undefined } = {}): Promise<string> {
    return this.#transport.text(`${base(name)}/json`, {
      query: { platform: options.platform },
      version: INSPECT_VERSION,
    })
  }

  history(
    name: string,
    options: { platform?: string | undefined } = {},
  ): Promise<ImageHistoryResponseItem[]> {
    return this.#transport.json(`${base(name)}/history`, { query: { platform: options.platform } })
  }

  async remove(
    name: string,
    options: { force?: boolean; noPrune?: boolean; platforms?: readonly string[] } = {},
  ): Promise<ImageDeleteResponseItem[]> {
    const { force, noPrune, platforms } = options
    const query = {
      force: force === true ? 1 : undefined,
      noprune: noPrune === true ? 1 : undefined,
      platforms,
    }
    return (
      (await this.#transport.json<ImageDeleteResponseItem[] | null>(base(name), {
        method: 'DELETE',
        query,
      })) ?? []
    )
  }

  /** The image's layers, lowest first; a wharf daemon's own. */
  layers(name: string, options: { platform?: string | undefined } = {}): Promise<ImageLayer[]> {
    return this.#transport.json(`/wharf${base(name)}/layers`, { query: { platform: options.platform } })
  }

  /** The entries of one of the image's layers, lowest 0; a wharf daemon's own. */
  async *layerFiles(
    name: string,
    options: { layer: number; platform?: string | undefined },
  ): AsyncGenerator<LayerFile> {
    const response = await this.#transport.request(`/wharf${base(name)}/files`, { query: options })
    yield* jsonValues<LayerFile>(bodyChunks(response))
  }

  async tag(name: string, target: { repo: string; tag: string }): Promise<void> {
    await this.#transport.text(`${base(name)}/tag`, {
      method: 'POST',
      query: { repo: target.repo, tag: target.tag },
    })
  }

  /** Pulls; the messages end with `error` set when it failed. */
  async pull(options: {
    image: string
    tag?: string | undefined
    platform?: string | undefined
    auth?: string | undefined
    signal?: AbortSignal
  }): Promise<AsyncIterable<ProgressMessage>> {
    const query = { fromImage: options.image, tag: options.tag, platform: options.platform }
    return this.#progress('/images/create', {
      query,
      headers: authHeader(options.auth),
      signal: options.signal,
    })
  }

  async push(
    name: string,
    options: {
      tag?: string | undefined
      platform?: string | undefined
      auth?: string | undefined
      signal?: AbortSignal
    },
  ): Promise<AsyncIterable<ProgressMessage>> {
    const query = { tag: options.tag, platform: options.platform }
    // The daemon wants the header even when there are no credentials.
    return this.#progress(`${base(name)}/push`, {
      query,
      headers: authHeader(options.auth ?? 'e30='),
      signal: options.signal,
    })
  }

  async import(options: {
    source: string
    body?: AsyncIterable<Uint8Array>
    repo?: string | undefined
    tag?: string | undefined
    message?: string | undefined
    changes?: readonly string[]
    platform?: string | undefined
  }): Promise<AsyncIterable<ProgressMessage>> {
    const { source, body, repo, tag, message, changes, platform } = options
    const query = { fromSrc: source, repo, tag, message, changes, platform }
    return this.#progress('/images/create', { query, headers: {}, ...(body === undefined ? {} : { body }) })
  }

  async load(
    body: AsyncIterable<Uint8Array>,
    options: { quiet: boolean; platform?: string | undefined },
  ): Promise<AsyncIterable<ProgressMessage>> {
    const query = { quiet: options.quiet ? 1 : 0, platform: options.platform }
    return this.#progress('/images/load', { query, body, headers: { 'Content-Type': 'application/x-tar' } })
  }

  async save(names: readonly string[], options: { platform?: string | undefined } = {}): Promise<Readable> {
    return bodyStream(
      await this.#transport.request('/images/get', { query: { names, platform: options.platform } }),
    )
  }

  search(
    term: string,
    options: { limit?: number | undefined; filters?: Filters; auth?: string | undefined } = {},
  ): Promise<SearchResult[]> {
    const query = { term, limit: options.limit, filters: filtersQuery(options.filters) }
    return this.#transport.json('/images/search', { query, headers: authHeader(options.auth) })
  }

  distribution(name: string, options: { auth?: string | undefined } = {}): Promise<DistributionInspect> {
    return this.#transport.json(`/distribution/${encodeName(name)}/json`, {
      headers: authHeader(options.auth),
    })
  }

  prune(
    filters?: Filters,
  ): Promise<{ ImagesDeleted?: readonly ImageDeleteResponseItem[] | null; SpaceReclaimed?: number }> {
    return this.#transport.json('/images/prune', {
      method: 'POST',
      query: { filters: filtersQuery(filters) },
    })
  }

  async #progress(
    path: string,
    options: {
      query: Readonly<Record<string, string | number | undefined | readonly string[]>>
      headers: Record<string, string>
      body?: AsyncIterable<Uint8Array>
      signal?: AbortSignal | undefined
    },
  ): Promise<AsyncIterable<ProgressMessage>> {
    return jsonValues<ProgressMessage>(
      bodyChunks(await this.#transport.request(path, { method: 'POST', ...options })),
    )
  }
}

function authHeader(auth: string | undefined): Record<string, string> {
  return auth === undefined ? {} : { 'X-Registry-Auth': auth }
}
