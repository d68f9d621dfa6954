import { STATUS_CODES } from 'node:http'
import {
  InvalidArgumentError,
  NotFoundError,
  PermissionDeniedError,
  UnauthenticatedError,
  UnavailableError,
  type WharfError,
} from '#errors/errors.ts'
import type { HttpResponse } from './http-transport.ts'
import { readLimited } from './read-limited.ts'

/** A refusal of a registry, in its own words (distribution-spec, "Error Codes"). */
export class RegistryError extends UnavailableError {
  readonly status: number
  /** The spec's code, `MANIFEST_UNKNOWN`; null when the answer did not have the form. */
  readonly registryCode: string | null

  constructor(message: string, options: { readonly status: number; readonly registryCode: string | null }) {
    super(message)
    this.status = options.status
    this.registryCode = options.registryCode
  }
}

/** Codes that an answer without a body (to HEAD) stands for. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
}
const DEFAULT_MESSAGES: Readonly<Record<string, string>> = {
  UNAUTHORIZED: 'authentication required',
  DENIED: 'requested access to the resource is denied',
  TOOMANYREQUESTS: 'too many requests',
}
const MAX_ERROR_BYTES = 64 * 1024

/** Makes an error of an answer that is no success, and reads its body. */
export async function registryErrorOf(response: HttpResponse): Promise<RegistryError> {
  const { status } = response
  const text = await readLimited(response.body, MAX_ERROR_BYTES).then(
    (bytes) => bytes.toString('utf8'),
    () => '',
  )
  const entries = errorEntries(text)
  if (entries.length > 0) {
    const lines = entries.map(({ code, message }) => describe(code, message))
    const message = lines.length === 1 ? (lines[0] as string) : `errors:\n${lines.join('\n')}`
    return new RegistryError(message, { status, registryCode: entries[0]?.code ?? null })
  }
  const code = CODE_OF_STATUS[status]
  if (code !== undefined) return new RegistryError(describe(code, ''), { status, registryCode: code })
  const statusText = `${status} ${STATUS_CODES[status] ?? response.statusText}`
  return new RegistryError(`received unexpected HTTP status: ${statusText}`, { status, registryCode: null })
}

/** The error of our own that says the same: what the API answers with. */
export function asWharfError(error: RegistryError, message: string): WharfError {
  const options = { cause: error }
  switch (error.registryCode) {
    case 'MANIFEST_UNKNOWN':
    case 'NAME_UNKNOWN':
    case 'BLOB_UNKNOWN':
    case 'DENIED':
      return new NotFoundError(message, options)
    case 'UNAUTHORIZED':
      return new UnauthenticatedError(message, options)
    case 'NAME_INVALID':
    case 'TAG_INVALID':
    case 'MANIFEST_INVALID':
      return new InvalidArgumentError(message, options)
    default:
      return error.status === 403
        ? new PermissionDeniedError(message, options)
        : new UnavailableError(message, options)
  }
}

function describe(code: string, message: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  const text = message === '' ? (DEFAULT_MESSAGES[code] ?? '') : message
  return text === '' ? words : `${words}: ${text}`
}

function errorEntries(text: string): { readonly code: string; readonly message: string }[] {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return []
  }
  const errors = typeof body === 'object' && body !== null && 'errors' in body ? body.errors : null
  if (!Array.isArray(errors)) return []
  return errors.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('code' in entry)) return []
    // A registry's text reaches the user's terminal: one line, no control characters.
    const message = 'message' in entry && typeof entry.message === 'string' ? entry.message : ''
    return [{ code: clean(String(entry.code)), message: clean(message) }]
  })
}

function clean(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 1000)
}
