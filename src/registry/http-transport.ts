import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { type SecureContext, createSecureContext } from 'node:tls'
import { pipeline } from 'node:stream/promises'
import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'
import type { HostCertificates } from './host-certificates.ts'
import type { RegistryConfig } from './registry-config.ts'
import { TransportError } from './transport-error.ts'

/** One request to one host. */
export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable
  readonly tls: Partial<HostCertificates> & { readonly verify: boolean }
  readonly signal: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  readonly statusText: string
  readonly headers: IncomingHttpHeaders
  /** Must be read to its end or destroyed. */
  readonly body: IncomingMessage
  /** Where the answer came from. */
  readonly url: URL
}

/** Nothing sent or received for so long: the connection is dead. */
const IDLE_TIMEOUT_MS = 60_000
/** A registry may think as long about what it was sent: it digests gigabytes before it answers. */
const WRITE_TIMEOUT_MS = 600_000
/** Storage back ends redirect once, rarely twice. */
const MAX_REDIRECTS = 5

/** Requests over kept-alive connections, through the configured proxies, with redirects followed. */
export class HttpTransport {
  readonly #config: RegistryConfig
  readonly #agents = new Map<string, { readonly agent: HttpAgent; readonly certificates: string }>()

  constructor(config: RegistryConfig) {
    this.#config = config
  }

  /**
   * Sends a request and follows redirects of GET and HEAD. Credentials go to the first host only.
   * @throws TransportError when no answer comes; the signal's reason.
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    let current = request
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#once(current)
      const location = response.headers.location
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined
      if (!isRedirect || (request.method !== 'GET' && request.method !== 'HEAD')) return response
      response.body.destroy()
      if (redirects >= MAX_REDIRECTS) {
        throw badRedirect(request, `stopped after ${MAX_REDIRECTS} redirects`)
      }
      const next = URL.canParse(location, current.url) ? new URL(location, current.url) : null
      if (next === null || !/^https?:$/.test(next.protocol)) {
        throw badRedirect(request, 'the registry redirects to what is no HTTP URL')
      }
      if (current.url.protocol === 'https:' && next.protocol === 'http:' && current.tls.verify) {
        throw badRedirect(request, 'the registry redirects from HTTPS to HTTP')
      }
      current = {
        ...current,
        url: next,
        headers: next.host === current.url.host ? (current.headers ?? {}) : strangerHeaders(current),
      }
    }
  }

  close(): void {
    for (const { agent } of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #once(request: HttpRequest): Promise<HttpResponse> {
    request.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
    const fail = (error: unknown): void => {
      reject(
        request.signal.aborted
          ? request.signal.reason
          : new TransportError(request.method, request.url, error),
      )
    }
    const send = request.url.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = send(request.url, {
      method: request.method,
      agent: this.#agentFor(request),
      signal: request.signal,
      headers: { 'User-Agent': this.#config.userAgent, ...request.headers },
    })
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    outgoing.setTimeout(isRead ? IDLE_TIMEOUT_MS : WRITE_TIMEOUT_MS, () =>
      outgoing.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })),
    )
    outgoing.on('error', fail)
    outgoing.on('response', (body) => {
      resolve({
        status: body.statusCode ?? 0,
        statusText: body.statusMessage ?? '',
        headers: body.headers,
        body,
        url: request.url,
      })
    })
    sendBody(outgoing, request.body).catch(fail)
    return promise
  }

  #proxyVariables(): Record<string, string> {
    const { http, https, noProxy } = this.#config.proxies
    return {
      ...(http === null ? {} : { HTTP_PROXY: http }),
      ...(https === null ? {} : { HTTPS_PROXY: https }),
      ...(noProxy === null ? {} : { NO_PROXY: noProxy }),
    }
  }

  #agentFor(request: HttpRequest): HttpAgent {
    const { protocol, host } = request.url
    if (protocol !== 'https:' && protocol !== 'http:')
      throw new InvalidArgumentError(`unsupported protocol ${protocol}`)
    const key = `${protocol}//${host} ${request.tls.verify}`
    const known = this.#agents.get(key)
    const { verify, ...own } = request.tls
    const certificates = JSON.stringify(own)
    // Certificates are read for each request: one that was put in place just now is used.
    if (known?.certificates === certificates) return known.agent
    const proxyEnv = isLoopback(request.url.hostname) ? {} : this.#proxyVariables()
    const shared = {
      keepAlive: true,
      keepAliveMsecs: 30_000,
      maxSockets: 32,
      maxFreeSockets: 8,
      timeout: IDLE_TIMEOUT_MS,
      proxyEnv,
    }
    const agent =
      protocol === 'https:'
        ? new HttpsAgent({ ...shared, ...secureContextOf(own), rejectUnauthorized: verify })
        : new HttpAgent(shared)
    // Requests under way keep an older one until they end.
    this.#agents.set(key, { agent, certificates })
    return agent
  }
}

/** Trusts the system's authorities and the registry's own. */
function secureContextOf({ authorities = [], cert = [], key = [] }: Partial<HostCertificates>): {
  secureContext?: SecureContext
} {
  if (authorities.length === 0 && cert.length === 0) return {}
  const secureContext = createSecureContext(cert.length === 0 ? {} : { cert: [...cert], key: [...key] })
  // `ca` would be in place of the system's, and to list all of those blocks for a tenth of a second.
  const { context } = secureContext as { context: { addCACert(pem: string): void } }
  for (const authority of authorities) context.addCACert(authority)
  return { secureContext }
}

/** As in Go, what is on this machine is never reached by a proxy. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** A redirect that is not followed: final, unlike a connection that fails. */
function badRedirect(request: HttpRequest, why: string): UnavailableError {
  return new UnavailableError(`Get "${request.url.href}": ${why}`)
}

/** What another host than the registry itself may see: neither credentials nor cookies. */
function strangerHeaders(request: HttpRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization'),
  )
}

async function sendBody(outgoing: ClientRequest, body: Uint8Array | Readable | undefined): Promise<void> {
  if (body === undefined) outgoing.end()
  else if (body instanceof Uint8Array) outgoing.end(body)
  else await pipeline(body, outgoing)
}
