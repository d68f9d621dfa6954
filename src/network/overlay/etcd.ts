import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { messageOf, UnavailableError } from '#errors/errors.ts'

/** How long one server may take for one answer. */
const ATTEMPT_MS = 3000
/** How long a call goes on asking all servers in turn. */
const CALL_MS = 10_000
const PAUSE_MS = 150
/** gRPC's DEADLINE_EXCEEDED and UNAVAILABLE: no leader, a member that is cut off. Another server may do better. */
const RETRIED_CODES: ReadonlySet<number> = new Set([4, 14])

/** Where etcd is. */
export interface EtcdOptions {
  /** `http://10.0.0.1:2379`, one or more. */
  readonly endpoints: readonly string[]
  /** PEM texts; null: no TLS, or that of the system. */
  readonly tls: {
    readonly ca: string | null
    readonly cert: string | null
    readonly key: string | null
  } | null
}

export interface KeyValue {
  readonly key: string
  readonly value: string
  readonly modRevision: number
  /** The lease that the key ends with; '0': none. */
  readonly lease: string
}

/** A condition of a transaction: on one key, or (`prefix`) on every key that starts so; 0 means that there is none. */
export interface Compare {
  readonly key: string
  readonly prefix?: boolean
  readonly target: 'CREATE' | 'MOD'
  readonly result: 'EQUAL' | 'GREATER'
  readonly revision: number
}

export type Operation =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly delete: string }
  | { readonly get: string; readonly prefix?: boolean }

export interface TransactionResult {
  readonly succeeded: boolean
  readonly revision: number
  /** What each `get` of the branch that ran has found, in order. */
  readonly found: readonly (readonly KeyValue[])[]
}

/** etcd refused a call: asking again would not help. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError'
}

/**
 * A client of etcd v3 by its JSON gateway (HTTP/1.1). A call asks the servers in turn until one answers or its time is over, so a change may have
 * happened twice or although the call failed: transactions must be such that this does no harm.
 */
export class Etcd {
  readonly #endpoints: readonly string[]
  readonly #tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly #agents: readonly [HttpAgent, HttpsAgent]
  readonly #closed = new AbortController()
  #current = 0

  constructor(options: EtcdOptions) {
    this.#endpoints = options.endpoints
    const { ca, cert, key } = options.tls ?? { ca: null, cert: null, key: null }
    this.#tls = { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) }
    this.#agents = [new HttpAgent({ keepAlive: true }), new HttpsAgent({ keepAlive: true })]
  }

  /** Ends all calls. */
  close(): void {
    this.#closed.abort()
    for (const agent of this.#agents) agent.destroy()
  }

  /** The server that answers now. */
  get server(): string {
    return this.#endpoints[this.#current % this.#endpoints.length] ?? ''
  }

  /** All keys that start with the prefix, as of one revision. @throws UnavailableError, EtcdError. */
  async list(prefix: string): Promise<{ readonly revision: number; readonly found: readonly KeyValue[] }> {
    const answer = await this.#call<RangeAnswer>('/v3/kv/range', rangeOf({ get: prefix, prefix: true }))
    return { revision: Number(answer.header.revision), found: (answer.kvs ?? []).map(keyValueOf) }
  }

  /** Does all of `then` when every condition holds, else all of `otherwise`. @throws UnavailableError, EtcdError. */
  async transact(transaction: {
    readonly when: readonly Compare[]
    readonly then: readonly Operation[]
    readonly otherwise?: readonly Operation[]
  }): Promise<TransactionResult> {
    const answer = await this.#call<TransactionAnswer>('/v3/kv/txn', {
      compare: transaction.when.map(compareOf),
      success: transaction.then.map(operationOf),
      failure: (transaction.otherwise ?? []).map(operationOf),
    })
    const ranges = (answer.responses ?? []).flatMap(({ response_range: range }) => range ?? [])
    return {
      succeeded: answer.succeeded === true,
      revision: Number(answer.header.revision),
      found: ranges.map((range) => (range.kvs ?? []).map(keyValueOf)),
    }
  }

  /** Makes a lease. @throws UnavailableError, EtcdError. */
  async grant(ttlSeconds: number): Promise<string> {
    const { ID } = await this.#call<{ readonly ID: string }>('/v3/lease/grant', { TTL: String(ttlSeconds) })
    return ID
  }

  /** Prolongs a lease; false when it has ended. @throws UnavailableError, EtcdError. */
  async keepAlive(lease: string): Promise<boolean> {
    const answer = await this.#call<{ readonly result?: { readonly TTL?: string } }>('/v3/lease/keepalive', {
      ID: lease,
    })
    return Number(answer.result?.TTL ?? 0) > 0
  }

  /** Opens a stream of an answer that goes on, at the server that answers now. */
  async stream(path: string, body: object, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(this.server, path, { body, signal })
    if (response.statusCode === 200) return response
    throw failureOf(response.statusCode ?? 0, await text(response)).error
  }

  async #call<Answer>(path: string, body: object): Promise<Answer> {
    const deadline = Date.now() + CALL_MS
    for (let attempt = 1; ; attempt++) {
      const endpoint = this.server
      let failure: { readonly error: Error; readonly again: boolean }
      try {
        const left = Math.max(1, Math.min(ATTEMPT_MS, deadline - Date.now()))
        const response = await this.#send(endpoint, path, { body, signal: AbortSignal.timeout(left) })
        const answer = await text(response)
        if (response.statusCode === 200) return JSON.parse(answer) as Answer
        failure = failureOf(response.statusCode ?? 0, answer)
      } catch (error) {
        failure = { error: error instanceof Error ? error : new Error(messageOf(error)), again: true }
      }
      if (!failure.again || this.#closed.signal.aborted) throw failure.error
      // Another call may have found a server that answers meanwhile.
      if (this.server === endpoint) this.#current += 1
      if (Date.now() + PAUSE_MS >= deadline) {
        const servers = this.#endpoints.join(', ')
        throw new UnavailableError(
          `cannot reach the cluster store at ${servers}: ${messageOf(failure.error)}`,
          { cause: failure.error },
        )
      }
      if (attempt >= this.#endpoints.length) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  #send(
    endpoint: string,
    path: string,
    options: { readonly body: object; readonly signal: AbortSignal },
  ): Promise<IncomingMessage> {
    const secure = endpoint.startsWith('https:')
    const bytes = Buffer.from(JSON.stringify(options.body))
    const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
    const agent = this.#agents[secure ? 1 : 0]
    const signal = AbortSignal.any([options.signal, this.#closed.signal])
    return new Promise((resolve, reject) => {
      const settings = { method: 'POST', headers, agent, signal, ...(secure && this.#tls) }
      const request = (secure ? httpsRequest : httpRequest)(`${endpoint}${path}`, settings, resolve)
      request.on('error', reject)
      request.end(bytes)
    })
  }
}

/** As `KeyValue`, of a key that the gateway described. */
export function keyValueOf(raw: RawKeyValue): KeyValue {
  return {
    key: decode(raw.key),
    value: decode(raw.value ?? ''),
    modRevision: Number(raw.mod_revision ?? 0),
    lease: raw.lease ?? '0',
  }
}

/** A key of the gateway's JSON: bytes are base64, 64-bit numbers are text, and what is empty is absent. */
export interface RawKeyValue {
  readonly key: string
  readonly value?: string
  readonly mod_revision?: string
  readonly lease?: string
}

interface RangeAnswer {
  readonly header: { readonly revision: string }
  readonly kvs?: readonly RawKeyValue[]
}

interface TransactionAnswer {
  readonly header: { readonly revision: string }
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly RawKeyValue[] } }[]
}

/** The first key behind all that start with the prefix: what etcd takes for "starts with". */
export function endOfPrefix(prefix: string): string {
  const bytes = Buffer.from(prefix)
  // Keys are ASCII: the last byte is never 0xff.
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) + 1, bytes.length - 1)
  return bytes.toString()
}

export function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString()
}

function rangeOf({ get, prefix }: { readonly get: string; readonly prefix?: boolean }): object {
  return { key: encode(get), ...(prefix === true && { range_end: encode(endOfPrefix(get)) }) }
}

function compareOf({ key, prefix, target, result, revision }: Compare): object {
  const end = prefix === true ? { range_end: encode(endOfPrefix(key)) } : {}
  const value =
    target === 'CREATE' ? { create_revision: String(revision) } : { mod_revision: String(revision) }
  return { key: encode(key), ...end, target, result, ...value }
}

function operationOf(operation: Operation): object {
  if ('get' in operation) return { request_range: rangeOf(operation) }
  if ('delete' in operation) return { request_delete_range: { key: encode(operation.delete) } }
  const lease = operation.lease === undefined ? {} : { lease: operation.lease }
  return { request_put: { key: encode(operation.put), value: encode(operation.value), ...lease } }
}

function failureOf(status: number, body: string): { readonly error: Error; readonly again: boolean } {
  let said: { readonly code?: number; readonly message?: string; readonly error?: string } = {}
  try {
    said = JSON.parse(body) as typeof said
  } catch {
    said = { message: body.slice(0, 200) } // Not of etcd: a proxy's page.
  }
  const error = new EtcdError(`etcd: ${said.message ?? said.error ?? `status ${String(status)}`}`)
  return { error, again: said.code === undefined ? status >= 500 : RETRIED_CODES.has(said.code) }
}
