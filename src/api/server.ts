import { ServerResponse } from 'node:http'
import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Logger } from '#base/logger.ts'
import { phase } from '#base/trace.ts'
import { NotFoundError, messageOf } from '#errors/errors.ts'
import type { Authorizer, RequestFacts } from './authorization.ts'
import type { Backends } from './backends.ts'
import { errorBody, errorStatus, isAbort } from './http/errors.ts'
import { Query } from './http/query.ts'
import { ApiRequest } from './http/request.ts'
import { ApiResponse } from './http/response.ts'
import { Router } from './http/router.ts'
import { NEWEST_VERSION, splitVersion, versionText } from './http/versions.ts'
import { addRoutes } from './routes/routes.ts'

/** How to make the HTTP servers that the API answers on. */
export const API_SERVER_OPTIONS: ServerOptions & {
  shouldUpgradeCallback: (request: IncomingMessage) => boolean
} = {
  // As Go's default: a build sends the credentials of all registries in one header.
  maxHeaderSize: 1024 * 1024,
  headersTimeout: 60_000,
  // A build context or an image to load may take hours.
  requestTimeout: 0,
  // Clients keep connections; closing an idle one races with their next request.
  keepAliveTimeout: 0,
  noDelay: true,
  shouldUpgradeCallback: (request) => UPGRADES.test((request.url ?? '').split('?', 1)[0] ?? ''),
}

const UPGRADES = /\/(attach|attach\/ws|exec\/[^/]+\/start|session|build\/session\/[^/]+\/[^/]+|grpc)$/

export interface ApiOptions {
  readonly log: Logger
  /** The product's version, for the `Server` header. */
  readonly version: string
  /** Who is at the other end, for the log: `uid=0` of a unix socket, the certificate's name of a TLS connection. */
  readonly callerOf?: (socket: Socket) => string
  /** Asked before each request is handled and before it is answered; null lets everything pass. */
  readonly authorizer?: Authorizer | null
  /**
   * Requests that change something wait for this: a daemon that is still finding out what outlived its predecessor must
   * not take a new thing for a left-over.
   */
  readonly ready?: Promise<void>
  /** The name that a client has proved, or empty. */
  readonly userOf?: (socket: Socket) => string
}

/** The Docker Engine API over the backends. */
export class ApiServer {
  readonly #router: Router
  readonly #options: ApiOptions
  readonly #isExperimental: boolean
  readonly #connections = new Set<Socket>()

  constructor(backends: Backends, options: ApiOptions) {
    this.#router = addRoutes(new Router(), backends)
    this.#options = options
    this.#isExperimental = backends.checkpoints !== null
  }

  get routes(): Router['routes'] {
    return this.#router.routes
  }

  /** Answers the requests of this server from now on. */
  serve(server: Server | SecureServer): void {
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      void this.#handle(incoming, outgoing)
    })
    server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      // A client need not wait for the answer before it sends what is for the other side.
      if (head.byteLength > 0) socket.unshift(head)
      const outgoing = new ServerResponse(incoming)
      outgoing.shouldKeepAlive = false
      outgoing.assignSocket(socket)
      socket.on('error', () => socket.destroy())
      outgoing.on('finish', () => incoming.socket.destroySoon())
      void this.#handle(incoming, outgoing)
    })
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
    server.on('clientError', (_error: Error, socket: Socket) => {
      if (!socket.writable) socket.destroy()
      else
        socket.end(
          'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request',
        )
    })
  }

  /** Cuts all connections, hijacked ones too: the daemon ends. */
  closeConnections(): void {
    for (const socket of this.#connections) socket.destroy()
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const startMs = performance.now()
    // Kept: a message forgets its socket when that has gone.
    const { socket } = incoming
    const response = new ApiResponse(incoming, outgoing)
    this.#setHeaders(response)
    const aborted = new AbortController()
    const leave = (): void => {
      if (!outgoing.writableFinished) aborted.abort()
    }
    outgoing.once('close', leave)
    socket.once('close', leave)
    outgoing.once('finish', () => socket.off('close', leave))
    let failure: unknown = null
    try {
      await this.#route(incoming, response, aborted.signal)
    } catch (error) {
      failure = error
      this.#fail(response, error, incoming.url ?? '')
    }
    this.#log(incoming, { outgoing, response, failure, startMs, socket })
  }

  async #route(incoming: IncomingMessage, response: ApiResponse, signal: AbortSignal): Promise<void> {
    const url = incoming.url ?? '/'
    const end = url.indexOf('?')
    const { version, path } = splitVersion(end === -1 ? url : url.slice(0, end))
    // What may be done is not asked here: dockerd says yes to any path.
    if (incoming.method === 'OPTIONS') return response.empty(200)
    const match = this.#router.match(incoming.method ?? 'GET', path)
    if (match === null) throw new NotFoundError('page not found')
    using _ = phase(`api ${incoming.method ?? ''} ${match.pattern}`)
    const query = new Query(end === -1 ? '' : url.slice(end + 1))
    const request = new ApiRequest(incoming, { version, params: match.params, query, signal })
    const { authorizer } = this.#options
    if (authorizer !== undefined && authorizer !== null) {
      const facts = await this.#factsOf(request, incoming)
      await authorizer.checkRequest(facts)
      response.gate((answer) => authorizer.checkAnswer(facts, answer))
    }
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') await this.#options.ready
    await match.handler(request, response)
  }

  async #factsOf(request: ApiRequest, incoming: IncomingMessage): Promise<RequestFacts> {
    return {
      method: incoming.method ?? '',
      uri: incoming.url ?? '',
      headers: Object.fromEntries(
        Object.entries(incoming.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
      ),
      body: await request.peekJson(),
      user: this.#options.userOf?.(incoming.socket) ?? '',
    }
  }

  #setHeaders(response: ApiResponse): void {
    response.header('Api-Version', versionText(NEWEST_VERSION))
    response.header('Docker-Experimental', String(this.#isExperimental))
    response.header('Ostype', 'linux')
    response.header('Server', `Wharf/${this.#options.version} (linux)`)
  }

  #fail(response: ApiResponse, error: unknown, url: string): void {
    // The head is out: cutting the connection is the only way left to say that the answer is not whole.
    if (response.isStarted) {
      if (!response.isHijacked) response.cut()
      return
    }
    const status = errorStatus(error)
    if (status === 304) response.empty(304)
    // Clients that old expect text.
    else if (/^\/v1\.(\d|1\d|2[0-3])\//.test(url)) response.text(status, `${messageOf(error)}\n`)
    else response.text(status, errorBody(error), 'application/json')
  }

  #log(
    incoming: IncomingMessage,
    end: {
      outgoing: ServerResponse
      response: ApiResponse
      failure: unknown
      startMs: number
      socket: Socket
    },
  ): void {
    const { failure } = end
    const fields = {
      method: incoming.method,
      path: incoming.url,
      status: isAbort(failure) ? 499 : end.response.isHijacked ? 101 : end.outgoing.statusCode,
      ms: Math.round((performance.now() - end.startMs) * 10) / 10,
      caller: this.#options.callerOf?.(end.socket) ?? '',
    }
    if (failure === null || isAbort(failure)) this.#options.log.debug('request', fields)
    else if (errorStatus(failure) >= 500) {
      const stack = errorStatus(failure) === 500 && failure instanceof Error ? failure.stack : undefined
      this.#options.log.error('request failed', { ...fields, error: messageOf(failure), stack })
    } else this.#options.log.info('request refused', { ...fields, error: messageOf(failure) })
  }
}
