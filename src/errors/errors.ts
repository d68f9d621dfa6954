/**
 * The closed set of errors that cross areas. Each has a `code`; only `api/errors.ts` and `cli/exit-codes.ts` know
 * what number a code becomes, with a map that the compiler checks for completeness.
 *
 * Messages that a client can see are in Docker's words; others are lower case, verb first, values quoted, no period.
 */
export type ErrorCode =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'conflict'
  | 'not_modified'
  | 'not_implemented'
  | 'unavailable'
  | 'kernel'
  | 'plugin'
  | 'data_loss'
  | 'bug'

/** The base of all errors that Wharf throws on purpose. */
export abstract class WharfError extends Error {
  abstract readonly code: ErrorCode
  override get name(): string {
    return this.constructor.name
  }
}

/** The caller must change the request (400). */
export class InvalidArgumentError extends WharfError {
  readonly code = 'invalid_argument'
}
/** The caller must say who it is (401). */
export class UnauthenticatedError extends WharfError {
  readonly code = 'unauthenticated'
}
/** The caller may not do this (403). */
export class PermissionDeniedError extends WharfError {
  readonly code = 'permission_denied'
}
/** What was named does not exist (404). */
export class NotFoundError extends WharfError {
  readonly code = 'not_found'
}
/** The present state forbids it (409). */
export class ConflictError extends WharfError {
  readonly code = 'conflict'
}
/** A name or id is taken (409). */
export class AlreadyExistsError extends ConflictError {}
/** It is already in the wanted state (304). */
export class NotModifiedError extends WharfError {
  readonly code = 'not_modified'
}
/** Wharf does not do this (501): says what was asked and what to do instead. */
export class NotImplementedError extends WharfError {
  readonly code = 'not_implemented'
}
/** It cannot be done now; try later (503). */
export class UnavailableError extends WharfError {
  readonly code = 'unavailable'
}
/** Stored or received bytes are not what they must be (500). */
export class DataLossError extends WharfError {
  readonly code = 'data_loss'
}
/** An invariant of ours broke (500). */
export class BugError extends WharfError {
  readonly code = 'bug'
}

/** A system call said no (500). `errno` is the symbolic name, e.g. `ENOENT`. */
export class KernelError extends WharfError {
  readonly code = 'kernel'
  readonly syscall: string
  readonly errno: string
  readonly path: string | null

  constructor(
    syscall: string,
    errno: string,
    options: { path?: string | null; detail?: string; cause?: unknown } = {},
  ) {
    const on = options.path === undefined || options.path === null ? '' : ` ${JSON.stringify(options.path)}`
    const detail = options.detail === undefined ? '' : ` (${options.detail})`
    super(`${syscall}${on}: ${errno}${detail}`, { cause: options.cause })
    this.syscall = syscall
    this.errno = errno
    this.path = options.path ?? null
  }
}

/** The symbolic errno of a KernelError or of an error of Node's own, else null. */
export function errnoOf(error: unknown): string | null {
  if (error instanceof KernelError) return error.errno
  if (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^E[A-Z0-9]+$/.test(error.code)
  ) {
    return error.code
  }
  return null
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
