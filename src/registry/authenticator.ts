import { UnauthenticatedError } from '#errors/errors.ts'
import type { RegistryAuth } from '#spec/docker/options.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { HttpResponse, HttpTransport } from './http-transport.ts'
import { readLimited } from './read-limited.ts'
import type { Endpoint } from './registry-config.ts'
import { RegistryError, registryErrorOf } from './registry-error.ts'

/** What a request wants to do, in the token specification's words: `repository:a/b:pull`. */
export type Scope = string

const MAX_TOKEN_BYTES = 1024 * 1024
/** Tokens that say nothing live this long (token specification, `expires_in`). */
const DEFAULT_LIFETIME_MS = 60_000
/** A token is not used in the last seconds of its life. */
const MARGIN_MS = 5_000

interface Token {
  readonly value: string
  readonly expiresAtMs: number
}

/**
 * Answers the challenges of one registry endpoint for one user: Basic, or Bearer tokens of the registry's token
 * server, kept by scope. The first answer teaches it the scheme; later requests carry it at once.
 */
export class Authenticator {
  readonly #transport: HttpTransport
  readonly #endpoint: Endpoint
  readonly #auth: RegistryAuth | null
  #challenge: Challenge | null = null
  readonly #tokens = new Map<string, Promise<Token>>()

  constructor(
    transport: HttpTransport,
    options: { readonly endpoint: Endpoint; readonly auth: RegistryAuth | null },
  ) {
    this.#transport = transport
    this.#endpoint = options.endpoint
    this.#auth = options.auth
  }

  /** The `Authorization` header that is known to be wanted, or null before the first challenge. */
  async header(scopes: readonly Scope[], signal: AbortSignal): Promise<string | null> {
    if (this.#auth?.registrytoken) return `Bearer ${this.#auth.registrytoken}`
    if (this.#challenge === null) return null
    if (this.#challenge.scheme === 'basic') return basicOf(this.#auth)
    return `Bearer ${(await this.#token(this.#challenge, { scopes, signal })).value}`
  }

  /** Learns from the 401 of a greeting, which wants nothing yet. */
  meet(response: HttpResponse): void {
    this.#challenge ??= challengeOf(response)
  }

  /**
   * Learns from a 401. Tells whether another try can succeed.
   * @throws UnauthenticatedError `no basic auth credentials`; RegistryError when the token server refuses.
   */
  learn(
    response: HttpResponse,
    options: { readonly retried: boolean; readonly scopes: readonly Scope[] },
  ): boolean {
    const challenge = challengeOf(response)
    if (challenge === null || this.#auth?.registrytoken) return false
    const known = this.#challenge
    this.#challenge = challenge
    if (challenge.scheme === 'basic' && basicOf(this.#auth) === null) {
      throw new UnauthenticatedError('no basic auth credentials')
    }
    // A token can have been revoked, or been given for less than this request wants: one new one is fetched.
    this.#tokens.delete(options.scopes.join(' '))
    return !options.retried || known?.scheme !== challenge.scheme
  }

  #token(challenge: Challenge, options: { scopes: readonly Scope[]; signal: AbortSignal }): Promise<Token> {
    const wanted =
      options.scopes.length > 0
        ? options.scopes
        : [challenge.parameters['scope'] ?? ''].filter((scope) => scope !== '')
    const key = options.scopes.join(' ')
    const known = this.#tokens.get(key)
    const fresh = (): Promise<Token> => {
      const fetched = this.#fetchToken(challenge, { scopes: wanted, signal: options.signal })
      this.#tokens.set(key, fetched)
      fetched.catch(() => this.#tokens.delete(key))
      return fetched
    }
    if (known === undefined) return fresh()
    return known.then((token) => (token.expiresAtMs - MARGIN_MS > Date.now() ? token : fresh()), fresh)
  }

  async #fetchToken(
    challenge: Challenge,
    options: { scopes: readonly Scope[]; signal: AbortSignal },
  ): Promise<Token> {
    const realm = challenge.parameters['realm'] ?? ''
    if (!URL.canParse(realm)) throw new UnauthenticatedError('the registry names no token server')
    const url = new URL(realm)
    const isPlain = url.protocol === 'http:'
    if (
      (!isPlain && url.protocol !== 'https:') ||
      (isPlain && this.#endpoint.url.protocol === 'https:' && this.#endpoint.tls.verify)
    ) {
      throw new UnauthenticatedError(`refusing to send credentials to ${url.origin}`)
    }
    const response = await this.#transport.request({
      ...this.#tokenRequest(url, { ...options, service: challenge.parameters['service'] }),
      // Certificates are for the registry; a token server elsewhere is verified by the system's authorities.
      tls: url.host === this.#endpoint.url.host ? this.#endpoint.tls : { ...this.#endpoint.tls },
      signal: options.signal,
    })
    if (response.status !== 200) throw await registryErrorOf(response)
    return parseToken(await readLimited(response.body, MAX_TOKEN_BYTES))
  }

  #tokenRequest(
    url: URL,
    options: { scopes: readonly Scope[]; service: string | undefined },
  ): { method: string; url: URL; headers?: Record<string, string>; body?: Uint8Array } {
    if (this.#auth?.identitytoken) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: this.#auth.identitytoken,
        service: options.service ?? '',
        scope: options.scopes.join(' '),
        client_id: 'wharf',
      })
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
      return { method: 'POST', url, headers, body: Buffer.from(form.toString()) }
    }
    if (options.service !== undefined) url.searchParams.set('service', options.service)
    for (const scope of options.scopes) url.searchParams.append('scope', scope)
    const basic = basicOf(this.#auth)
    if (basic === null) return { method: 'GET', url }
    url.searchParams.set('account', this.#auth?.username ?? '')
    return { method: 'GET', url, headers: { Authorization: basic } }
  }
}

function challengeOf(response: HttpResponse): Challenge | null {
  const challenges = parseChallenges(response.headers['www-authenticate'] ?? '')
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
  return bearer ?? challenges.find(({ scheme }) => scheme === 'basic') ?? null
}

function basicOf(auth: RegistryAuth | null): string | null {
  if (auth === null || !auth.username) return null
  return `Basic ${Buffer.from(`${auth.username}:${auth.password ?? ''}`).toString('base64')}`
}

function parseToken(bytes: Buffer): Token {
  let body: Record<string, unknown>
  try {
    body = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  } catch (error) {
    throw new UnauthenticatedError('unable to decode token response', { cause: error })
  }
  const value = [body['token'], body['access_token']].find((text) => typeof text === 'string' && text !== '')
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError('authorization server did not include a token in the response', {
      status: 401,
      registryCode: 'UNAUTHORIZED',
    })
  }
  const seconds = typeof body['expires_in'] === 'number' ? body['expires_in'] : 0
  return { value, expiresAtMs: Date.now() + Math.max(seconds * 1000, DEFAULT_LIFETIME_MS) }
}
