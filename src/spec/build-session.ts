/**
 * The side channel of `wharf build` (docs/dev/builder.md, "The session"): what a build needs of the machine where it was
 * started, fetched when a step asks for it. Lines of JSON on the session's own connection; each call is answered
 * by a connection of its own.
 */

/** What a build may ask its client for. */
export type SessionCallKind =
  /** The bytes of a secret. */
  | 'secret'
  /** A connection to an SSH agent. */
  | 'ssh'
  /** A tar of a named build context. */
  | 'context'
  /** Takes an output of the build: a tar, or the bytes of a file. */
  | 'output'
  /** A tar of a directory with a build cache in it. */
  | 'cache-in'
  /** Takes a build cache, a tar. */
  | 'cache-out'

/** The daemon's first line. */
export interface SessionHello {
  /** Given to `POST /build` as `wharfsession`. */
  readonly session: string
}

/** A line of the daemon: something is wanted. */
export interface SessionCall {
  readonly call: string
  readonly kind: SessionCallKind
  /** An id, a name, or the number of an output among those that were asked for. */
  readonly name: string
}

/** A line of the client: a call cannot be answered. */
export interface SessionRefusal {
  readonly call: string
  readonly error: string
  /** There is no such thing, as opposed to: it could not be read. */
  readonly missing: boolean
}

/** The longest line either side sends. */
export const MAX_SESSION_LINE_BYTES = 64 * 1024

/** What the client says when it has taken all of an output or a cache, before it ends the connection. */
export const SESSION_TAKEN = 'taken\n'
