import { WharfError, messageOf } from '#errors/errors.ts'
import type { ErrorCode } from '#errors/errors.ts'

const STATUS = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  conflict: 409,
  not_modified: 304,
  not_implemented: 501,
  unavailable: 503,
  kernel: 500,
  plugin: 500,
  data_loss: 500,
  bug: 500,
} as const satisfies Record<ErrorCode, number>

/** The status of a response that tells of this error; anything unknown is a fault of ours (500). */
export function errorStatus(error: unknown): number {
  return error instanceof WharfError ? STATUS[error.code] : 500
}

/** The body of an error response (ErrorResponse). */
export function errorBody(error: unknown): string {
  return JSON.stringify({ message: messageOf(error), ...sourceOf(error) }) + '\n'
}

/** Where in a Dockerfile the error comes from, if it does: Wharf's own field, which other clients ignore. */
export function sourceOf(error: unknown): { source?: unknown } {
  return error instanceof Error && 'source' in error ? { source: error.source } : {}
}

/** Tells whether the error only says that the client has left. */
export function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : null
  // What streams say when the other end went away before all was written.
  return error.name === 'AbortError' || code === 'ABORT_ERR' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}
