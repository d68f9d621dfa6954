import type { Writable } from 'node:stream'

/** Which of a process's streams bytes belong to. */
export type StdioName = 'stdout' | 'stderr'

/** Bytes that a process wrote, as they came. */
export interface StdioFrame {
  readonly stream: StdioName
  readonly bytes: Uint8Array
}

/**
 * A client's hold on the standard streams of a container or an exec. Letting go of it never ends the process.
 *
 * The frames end when the process has exited and all it wrote was given, or after `detach()`, or when the signal of
 * the request aborts. Not reading them holds up this session only, never the container.
 */
export interface StdioSession {
  /** With a terminal there is one raw stream and no framing on the wire. */
  readonly tty: boolean
  readonly frames: AsyncIterable<StdioFrame>
  /** Null when stdin was not asked for or is not open. `end()` closes stdin only as StdinOnce says. */
  readonly stdin: Writable | null
  /** The client typed its detach keys: publishes the event and ends the frames. */
  detach(): void
}

/** Log lines in the wire's form: multiplexed frames (see stdcopy.ts), raw when the container has a terminal. */
export interface LogStream {
  readonly tty: boolean
  /** Chunks of any size, many lines each. */
  readonly chunks: AsyncIterable<Uint8Array>
}
