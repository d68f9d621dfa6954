import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { WharfError } from '#errors/errors.ts'
import type { ErrorCode } from '#errors/errors.ts'
import type { Endpoint } from './endpoint.ts'
import { type BuildErrorSource, readErrorSource } from '#spec/docker/build.ts'
import { bodyChunks, readHead } from './http1.ts'
import type { RawResponse } from './http1.ts'

/** Values of a query; undefined and null leave the key out, lists repeat it. */
export type Query = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>

/** One request to the API. */
export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  readonly query?: Query
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, with chunked encoding when it is a stream. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
  /** The version of the API whose form of the answer is wanted, where the daemon speaks it. */
  readonly version?: string
}

/** The daemon answered with an error; `status` is the HTTP status. */
export class DaemonError extends WharfError {
  readonly code: ErrorCode
  readonly status: number

  /** Where in a Dockerfile the error comes from, as the daemon tells it. */
  readonly source: BuildErrorSource | null

  constructor(status: number, message: string, source: BuildErrorSource | null = null) {
    super(message)
    this.status = status
    this.source = source
    this.code = codes[status] ?? 'bug'
  }
}

const codes: Readonly<Record<number, ErrorCode>> = {
  304: 'not_modified',
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'conflict',
  501: 'not_implemented',
  503: 'unavailable',
}

/** No daemon could be reached. `errno` says why, when the kernel did. */
export class ConnectError extends WharfError {
  readonly code = 'unavailable'
  readonly errno: string | null

  constructor(message: string, options: { errno: string | null; cause: unknown }) {
    super(message, { cause: options.cause })
    this.errno = options.errno
  }
}

/** Talks HTTP to one daemon; one connection per request. */
export class Transport {
  readonly endpoint: Endpoint
  readonly #prefix: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(
    endpoint: Endpoint,
    options: { apiVersion?: string | null; headers?: Readonly<Record<string, string>> } = {},
  ) {
    this.endpoint = endpoint
    // Without a version in the path the daemon serves its newest, so no ping is needed to agree on one.
    this.#prefix =
      options.apiVersion === undefined || options.apiVersion === null ? '' : `/v${options.apiVersion}`
    this.#headers = options.headers ?? {}
  }

  /** Sends a request and waits for a good answer's head. @throws DaemonError for a status of 400 or more, ConnectError. */
  async request(path: string, options: RequestOptions = {}): Promise<RawResponse> {
    const response = await this.#exchange(path, options)
    if (response.status < 400) return response
    const error = await daemonError(response)
    // An older daemon than the form that was asked for: its own newest form it is, then.
    if (options.version !== undefined && /client version .* is too new/.test(error.message)) {
      const { version: _, ...rest } = options
      return this.request(path, rest)
    }
    throw error
  }

  /** As `request`, with the body read and parsed as JSON (null when empty). */
  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return JSON.parse((await this.text(path, options)) || 'null') as T
  }

  /** As `request`, with the body read as text. */
  async text(path: string, options: RequestOptions = {}): Promise<string> {
    return readText(await this.request(path, options))
  }

  /**
   * Takes over the connection (Docker's hijack): after the answer the socket is the stream itself.
   * Bytes that came with the head are put back into the socket.
   */
  async hijack(path: string, options: RequestOptions = {}): Promise<RawResponse> {
    const headers = { ...options.headers, Connection: 'Upgrade', Upgrade: 'tcp' }
    const response = await this.#exchange(path, { ...options, headers })
    if (response.status >= 400) throw await daemonError(response)
    return response
  }

  /** A bare connection to the daemon. */
  connect(signal?: AbortSignal): Promise<Socket> {
    return open(this.endpoint, signal)
  }

  #versionOf({ version }: RequestOptions): string {
    return this.#prefix === '' && version !== undefined ? `/v${version}` : this.#prefix
  }

  async #exchange(path: string, options: RequestOptions): Promise<RawResponse> {
    const socket = await open(this.endpoint, options.signal)
    if (options.signal !== undefined) abortWith(socket, options.signal)
    const head = readHead(socket)
    // A request that is refused early is answered before its body is sent: the answer wins over the broken pipe.
    head.catch(() => undefined)
    const sent = send(socket, {
      target: `${this.#versionOf(options)}${path}${queryText(options.query)}`,
      options,
      common: this.#headers,
    })
    sent.catch(() => undefined)
    const first = await Promise.race([head, sent.then(() => head)])
    return first
  }
}

function open(endpoint: Endpoint, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error)
    const fail = (error: Error) => reject(connectError(endpoint, error))
    if (endpoint.kind === 'tcp' && endpoint.tls !== null) {
      import('./tls.ts').then(({ connectTls }) => connectTls(endpoint).then(resolve, fail), reject)
      return
    }
    const socket =
      endpoint.kind === 'unix' ? connect(endpoint.path) : connect(endpoint.port, endpoint.hostname)
    socket.once('error', fail).once('connect', () => {
      socket.off('error', fail)
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

function abortWith(socket: Socket, signal: AbortSignal): void {
  const abort = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', abort))
}

function connectError(endpoint: Endpoint, cause: Error): ConnectError {
  const errno = 'code' in cause && typeof cause.code === 'string' ? cause.code : null
  if (errno === 'EACCES' && endpoint.kind === 'unix') {
    const text = `permission denied while trying to connect to the daemon socket at ${endpoint.host}`
    return new ConnectError(`${text}: dial unix ${endpoint.path}: connect: permission denied`, {
      errno,
      cause,
    })
  }
  if (endpoint.kind === 'tcp' && endpoint.tls !== null && errno !== 'ECONNREFUSED') {
    return new ConnectError(`error during connect: ${endpoint.host}: ${cause.message}`, { errno, cause })
  }
  const text = `Cannot connect to the Docker daemon at ${endpoint.host}. Is the docker daemon running?`
  return new ConnectError(text, { errno, cause })
}

interface Outgoing {
  readonly target: string
  readonly options: RequestOptions
  readonly common: Readonly<Record<string, string>>
}

async function send(socket: Socket, { target, options, common }: Outgoing): Promise<void> {
  const body = options.json === undefined ? options.body : Buffer.from(JSON.stringify(options.json))
  const method = options.method ?? (body === undefined ? 'GET' : 'POST')
  const headers: Record<string, string> = {
    Host: 'docker',
    'User-Agent': 'wharf',
    ...common,
    Connection: 'close',
    ...options.headers,
  }
  if (options.json !== undefined) headers['Content-Type'] = 'application/json'
  if (body instanceof Uint8Array) headers['Content-Length'] = String(body.length)
  else if (body !== undefined) headers['Transfer-Encoding'] = 'chunked'
  else if (method !== 'GET' && method !== 'HEAD') headers['Content-Length'] = '0'
  let head = `${method} ${target} HTTP/1.1\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
  if (body === undefined) return void socket.write(`${head}\r\n`)
  if (body instanceof Uint8Array) return void socket.write(Buffer.concat([Buffer.from(`${head}\r\n`), body]))
  socket.write(`${head}\r\n`)
  for await (const chunk of body) {
    if (chunk.length === 0) continue
    if (socket.destroyed) return
    socket.write(`${chunk.length.toString(16)}\r\n`)
    socket.write(chunk)
    if (!socket.write('\r\n')) await drained(socket)
  }
  socket.write('0\r\n\r\n')
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.once('drain', done).once('close', done)
  })
}

/** `?a=b&…` of a query, or nothing. */
export function queryText(query: Query | undefined): string {
  if (query === undefined) return ''
  const parts: string[] = []
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    const values = Array.isArray(value) ? (value as readonly string[]) : [value]
    for (const one of values) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** Reads a response's body as text. */
export async function readText(response: RawResponse): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of bodyChunks(response)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function daemonError(response: RawResponse): Promise<DaemonError> {
  const text = await readText(response).catch(() => '')
  let message = text.trim()
  let source: BuildErrorSource | null = null
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
      message = body.message.trim()
    if (typeof body === 'object' && body !== null && 'source' in body) source = readErrorSource(body.source)
  } catch {
    // A proxy or an old daemon answers in plain text, which is the message then.
  }
  if (message === '') message = `request returned ${response.statusText} for API route and version`
  return new DaemonError(response.status, message, source)
}
