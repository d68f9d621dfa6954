import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'

const idle = new Int32Array(new SharedArrayBuffer(4))

/**
 * Writes to one of the standard streams, at once and completely: nothing is lost when the program ends, and a slow
 * reader slows the program. Loading Node's own `process.stdout` costs milliseconds that most commands need not pay.
 */
export class Output {
  readonly #fd: number
  #tty: boolean | null = null

  constructor(fd: 1 | 2) {
    this.#fd = fd
  }

  /** Writes text or bytes. A reader that went away ends the program quietly, as SIGPIPE would. */
  write(data: string | Uint8Array): void {
    let bytes = typeof data === 'string' ? Buffer.from(data) : data
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes))
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : null
        if (code === 'EPIPE') process.exit(141)
        if (code !== 'EAGAIN') throw error
        // The stream is non-blocking and full (it is shared with another program): wait a little, then go on.
        Atomics.wait(idle, 0, 0, 2)
      }
    }
  }

  line(text: string): void {
    this.write(`${text}\n`)
  }

  /** Whether a terminal reads it. */
  get isTty(): boolean {
    this.#tty ??= isTerminal(this.#fd)
    return this.#tty
  }
}

/** Whether the descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
  return isatty(fd)
}
