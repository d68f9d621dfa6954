import { InvalidArgumentError } from '#errors/errors.ts'
import type { PlatformSpec, RegistryAuth } from '#spec/docker/options.ts'
import { parsePlatform as parsePlatformText } from '#spec/oci/parse-platform.ts'
import type { ApiRequest } from './request.ts'

/** The body as an object, `{}` when there is none. @throws InvalidArgumentError when it is another kind of JSON. */
export async function bodyObject(request: ApiRequest): Promise<Record<string, unknown>> {
  return (await bodyObjectOrNull(request)) ?? {}
}

/** As `bodyObject`; null when there is no body. */
export async function bodyObjectOrNull(request: ApiRequest): Promise<Record<string, unknown> | null> {
  const body = await request.json()
  if (body === null) return null
  if (typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>
  const kind = Array.isArray(body) ? 'array' : typeof body
  throw new InvalidArgumentError(`invalid JSON: json: cannot unmarshal ${kind} into Go value of type object`)
}

/** `linux/arm64/v8`, or the JSON form of newer clients (`{"os":"linux","architecture":"arm64"}`); null when empty. */
export function parsePlatform(text: string): PlatformSpec | null {
  if (text === '') return null
  if (text.startsWith('{')) return platformFromJson(text)
  return parsePlatformText(text)
}

function platformFromJson(text: string): PlatformSpec {
  const value = parseJson(text, 'platform') as Record<string, unknown> | null
  const field = (name: string): string | undefined => {
    const part = value?.[name]
    return typeof part === 'string' && part !== '' ? part : undefined
  }
  const os = field('os')
  if (os === undefined) throw new InvalidArgumentError(`failed to parse platform: ${text}`)
  return { os, architecture: field('architecture'), variant: field('variant') }
}

/** A parameter that holds JSON. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new InvalidArgumentError(`error reading ${name}: ${(error as Error).message}`)
  }
}

/** `X-Registry-Auth`: base64url JSON. What cannot be read counts as absent, as in dockerd: a pull may need none. */
export function registryAuth(request: ApiRequest): RegistryAuth | null {
  return decodeAuth(request.header('x-registry-auth')) as RegistryAuth | null
}

/** `X-Registry-Config` of a build: credentials by registry. */
export function registryAuths(request: ApiRequest): Record<string, RegistryAuth> {
  return (decodeAuth(request.header('x-registry-config')) ?? {}) as Record<string, RegistryAuth>
}

function decodeAuth(header: string): object | null {
  if (header === '') return null
  try {
    const value = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as unknown
    return typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? value : null
  } catch {
    return null
  }
}

/** `h` and `w` of a resize. */
export function terminalSize(request: ApiRequest): { readonly rows: number; readonly columns: number } {
  const read = (name: string): number => {
    const text = request.query.text(name)
    const value = Number(text)
    const refuse = (why: string): never => {
      const what = name === 'h' ? 'height' : 'width'
      throw new InvalidArgumentError(`invalid resize ${what} ${JSON.stringify(text)}: ${why}`)
    }
    if (!/^[+-]?\d+$/.test(text)) refuse('invalid syntax')
    if (value < 0 || value > 0xffff_ffff) refuse('value out of range')
    return value
  }
  return { rows: read('h'), columns: read('w') }
}

/**
 * A moment in the form of `since` and `until`: seconds since the epoch, with a fraction of up to nine digits.
 * Null when empty; 0 of `until` means none too, as the client's default.
 */
export function parseMoment(text: string): bigint | null {
  if (text === '' || text === '0') return null
  const match = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(text)
  if (match !== null) {
    return BigInt(match[1] as string) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
  }
  const parsedMs = Date.parse(text)
  if (Number.isNaN(parsedMs)) {
    throw new InvalidArgumentError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return BigInt(parsedMs) * 1_000_000n
}
