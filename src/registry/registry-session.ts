import type { Readable } from 'node:stream'
import { digestOf, isDigest, type Digest } from '#base/digest.ts'
import { DataLossError, UnauthenticatedError, UnavailableError } from '#errors/errors.ts'
import type { RegistryAuth } from '#spec/docker/options.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '#spec/oci/image.ts'
import { MAX_MANIFEST_BYTES } from '#spec/oci/parse.ts'
import { Authenticator, type Scope } from './authenticator.ts'
import type { HttpResponse, HttpTransport } from './http-transport.ts'
import { readLimited } from './read-limited.ts'
import type { Endpoint } from './registry-config.ts'
import { registryErrorOf } from './registry-error.ts'
import { pause, retryDelayMs } from './retry.ts'
import { TransportError } from './transport-error.ts'

/** A manifest or an index as the registry gave it, its digest computed here. */
export interface FetchedManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly content: Buffer
}

export interface SessionRequest {
  readonly method: string
  /** Beneath the endpoint's `/v2/`, or a full URL (upload locations). */
  readonly path: string | URL
  readonly headers?: Readonly<Record<string, string>>
  /** A stream can be sent once only: such a request is not tried again. */
  readonly body?: Uint8Array | (() => Readable)
  readonly scopes: readonly Scope[]
  readonly signal: AbortSignal
}

const MANIFEST_TYPES = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST].join(', ')
const MAX_PAGES = 1000
const MAX_TAGS_BYTES = 16 * 1024 * 1024
/** Tries of one request that is safe to repeat. */
const MAX_ATTEMPTS = 4

/** One repository at one endpoint, for one user: distribution-spec requests, authenticated, small ones retried. */
export class RegistrySession {
  readonly endpoint: Endpoint
  readonly #transport: HttpTransport
  readonly #authenticator: Authenticator
  #isGreeted = false

  constructor(
    transport: HttpTransport,
    options: { readonly endpoint: Endpoint; readonly auth: RegistryAuth | null },
  ) {
    this.endpoint = options.endpoint
    this.#transport = transport
    this.#authenticator = new Authenticator(transport, options)
  }

  /** The address of the API, for messages: `http://localhost:5000/v2/`. */
  get baseUrl(): URL {
    return new URL('v2/', this.endpoint.url)
  }

  /**
   * The manifest that a tag or a digest stands for. By digest the bytes are verified.
   * @throws RegistryError with the registry's code; DataLossError when the bytes are not what was asked for.
   */
  async manifest(
    path: string,
    options: { readonly reference: string; readonly signal: AbortSignal },
  ): Promise<FetchedManifest> {
    const { reference, signal } = options
    const response = await this.expect(
      {
        method: 'GET',
        path: `${path}/manifests/${reference}`,
        headers: { Accept: MANIFEST_TYPES },
        scopes: [pullScope(path)],
        signal,
      },
      [200],
    )
    const content = await readLimited(response.body, MAX_MANIFEST_BYTES)
    const digest = digestOf(content)
    if (isDigest(reference) && digest !== reference) {
      throw new DataLossError(`manifest verification failed for digest ${reference}`)
    }
    return { digest, mediaType: mediaTypeOf(response, content), content }
  }

  /** A blob from `offset` on. The caller counts and verifies. `offset` of the answer is where it really begins. */
  async blob(
    path: string,
    options: { readonly digest: Digest; readonly offset: number; readonly signal: AbortSignal },
  ): Promise<{ readonly body: Readable; readonly offset: number }> {
    const { digest, offset, signal } = options
    const headers = offset > 0 ? { Range: `bytes=${offset}-` } : {}
    const request = {
      method: 'GET',
      path: `${path}/blobs/${digest}`,
      headers,
      scopes: [pullScope(path)],
      signal,
    }
    const response = await this.expect(request, [200, 206])
    if (response.status === 200) return { body: response.body, offset: 0 }
    const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1]
    if (start === undefined || Number(start) !== offset) {
      response.body.destroy()
      throw new DataLossError(`the registry answered with another range of ${digest} than was asked for`)
    }
    return { body: response.body, offset }
  }

  /** All tags of a repository, in the registry's order. */
  async tags(path: string, signal: AbortSignal): Promise<string[]> {
    const tags: string[] = []
    let next: string | URL | null = `${path}/tags/list`
    for (let pages = 0; next !== null && pages < MAX_PAGES; pages += 1) {
      const response: HttpResponse = await this.expect(
        { method: 'GET', path: next, scopes: [pullScope(path)], signal },
        [200],
      )
      const body = JSON.parse((await readLimited(response.body, MAX_TAGS_BYTES)).toString('utf8')) as {
        tags?: unknown
      }
      if (Array.isArray(body.tags)) tags.push(...body.tags.filter((tag) => typeof tag === 'string'))
      next = nextPage(response)
    }
    return tags
  }

  /** Sends a request and reads away everything but the statuses that are expected. @throws RegistryError for others. */
  async expect(request: SessionRequest, statuses: readonly number[]): Promise<HttpResponse> {
    const response = await this.send(request)
    if (!statuses.includes(response.status)) throw await registryErrorOf(response)
    return response
  }

  /**
   * Sends a request; answers challenges, and tries again what failed in passing (not streams). The first one is
   * preceded by `GET /v2/`, which tells whether somebody listens and what credentials are wanted.
   */
  async send(request: SessionRequest): Promise<HttpResponse> {
    const attempts = typeof request.body === 'function' ? 1 : MAX_ATTEMPTS
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (request.path !== '') await this.greet(request.signal)
        const response = await this.#authenticated(request)
        if (response.status < 500 || response.status === 501 || attempt >= attempts) return response
        response.body.destroy()
      } catch (error) {
        if (!(error instanceof TransportError) || !error.isTransient || attempt >= attempts) throw error
      }
      await pause(retryDelayMs(attempt), request.signal)
    }
  }

  /** Finds out whether somebody listens, once. @throws TransportError */
  async greet(signal: AbortSignal): Promise<void> {
    if (this.#isGreeted) return
    const { endpoint } = this
    const response = await this.#transport.request({
      method: 'GET',
      url: this.baseUrl,
      tls: endpoint.tls,
      signal,
    })
    this.#isGreeted = true
    response.body.resume()
    if (response.status === 401) this.#authenticator.meet(response)
  }

  async #authenticated(request: SessionRequest): Promise<HttpResponse> {
    const url = request.path instanceof URL ? request.path : new URL(`v2/${request.path}`, this.endpoint.url)
    for (let retried = false; ; retried = true) {
      // Upload locations on another host carry their own signature.
      const isOurs = url.host === this.endpoint.url.host
      const authorization = isOurs ? await this.#authenticator.header(request.scopes, request.signal) : null
      const response = await this.#transport.request({
        method: request.method,
        url,
        headers: { ...request.headers, ...(authorization === null ? {} : { Authorization: authorization }) },
        ...(request.body === undefined
          ? {}
          : { body: typeof request.body === 'function' ? request.body() : request.body }),
        tls: this.endpoint.tls,
        signal: request.signal,
      })
      if (response.status !== 401 || !isOurs) return response
      if (!this.#learn(response, { retried, request, url })) return response
      response.body.destroy()
    }
  }

  #learn(response: HttpResponse, options: { retried: boolean; request: SessionRequest; url: URL }): boolean {
    try {
      return this.#authenticator.learn(response, { retried: options.retried, scopes: options.request.scopes })
    } catch (error) {
      response.body.destroy()
      if (!(error instanceof UnauthenticatedError)) throw error
      // dockerd looks a tag up before it fetches it. To be asked for a password because of this (401) is not its way.
      const isLookUp = options.request.method === 'GET' && /\/manifests\/[^:]+$/.test(options.url.pathname)
      const method = isLookUp ? 'HEAD' : options.request.method
      const verb = `${method.slice(0, 1)}${method.slice(1).toLowerCase()}`
      throw new UnavailableError(`${verb} "${options.url.href}": ${error.message}`, { cause: error })
    }
  }
}

export function pullScope(path: string): Scope {
  return `repository:${path}:pull`
}

export function pushScope(path: string): Scope {
  return `repository:${path}:pull,push`
}

/** The media type in the document counts more than the header's, which old registries get wrong. */
function mediaTypeOf(response: HttpResponse, content: Buffer): string {
  const header = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
  try {
    const { mediaType } = JSON.parse(content.toString('utf8')) as { mediaType?: unknown }
    return typeof mediaType === 'string' && mediaType !== '' ? mediaType : header
  } catch {
    return header
  }
}

/** RFC 5988 links, as the distribution-spec pages lists; only on the same host. */
export function nextPage(response: HttpResponse): URL | null {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(String(response.headers['link'] ?? ''))?.[1]
  if (link === undefined || !URL.canParse(link, response.url)) return null
  const url = new URL(link, response.url)
  return url.host === response.url.host ? url : null
}
