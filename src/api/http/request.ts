import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { parseFilters } from './filters.ts'
import { jsonFault } from './json-fault.ts'
import type { Query } from './query.ts'
import type { ApiVersion } from './versions.ts'

/** The largest JSON body that is read: far beyond any container's configuration. */
const JSON_LIMIT_BYTES = 8 * 1024 * 1024

/** One request, with what handlers need of it. */
export class ApiRequest {
  readonly version: ApiVersion
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  /** Aborts when the client has left before its answer was complete. */
  readonly signal: AbortSignal
  readonly #incoming: IncomingMessage
  #text: Promise<string> | null = null

  constructor(
    incoming: IncomingMessage,
    parts: {
      version: ApiVersion
      params: Readonly<Record<string, string>>
      query: Query
      signal: AbortSignal
    },
  ) {
    this.#incoming = incoming
    this.version = parts.version
    this.params = parts.params
    this.query = parts.query
    this.signal = parts.signal
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers
  }

  /** A header that counts once, or empty. */
  header(name: string): string {
    const value = this.#incoming.headers[name]
    return Array.isArray(value) ? (value[0] ?? '') : (value ?? '')
  }

  /** The body as it comes. */
  get body(): Readable {
    return this.#incoming
  }

  /** The message itself, for protocols that take the connection over. */
  get incoming(): IncomingMessage {
    return this.#incoming
  }

  /** A parameter of the path. */
  param(name: string): string {
    return this.params[name] ?? ''
  }

  filters(): Filters {
    return parseFilters(this.query.text('filters'))
  }

  /**
   * The JSON body, null when there is none.
   * @throws InvalidArgumentError when it is no JSON, not declared as JSON, or too long.
   */
  async json(): Promise<unknown> {
    const type = this.header('content-type')
    const length = this.#incoming.headers['content-length']
    const chunked = this.#incoming.headers['transfer-encoding'] !== undefined
    const empty = length === undefined ? !chunked : length === '0'
    if (type !== '' || !empty) requireJsonType(type)
    if (empty) return null
    const text = await this.#readText()
    if (text.trim() === '') return null
    try {
      return JSON.parse(text) as unknown
    } catch (cause) {
      throw new InvalidArgumentError(jsonFault(text), { cause })
    }
  }

  /** The text of a JSON body, which `json` still gives afterwards; null for a body of any other kind. */
  async peekJson(): Promise<string | null> {
    const type = this.header('content-type').split(';', 1)[0]?.trim().toLowerCase()
    return type === 'application/json' ? await this.#readText() : null
  }

  #readText(): Promise<string> {
    this.#text ??= this.#drain()
    return this.#text
  }

  async #drain(): Promise<string> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of this.#incoming as AsyncIterable<Buffer>) {
      size += chunk.byteLength
      if (size > JSON_LIMIT_BYTES) throw new InvalidArgumentError('http: request body too large')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }
}

function requireJsonType(header: string): void {
  const type = header.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === '') {
    throw new InvalidArgumentError(`malformed Content-Type header (${header}): mime: no media type`)
  }
  if (type !== 'application/json') {
    throw new InvalidArgumentError(`unsupported Content-Type header (${header}): must be 'application/json'`)
  }
}
