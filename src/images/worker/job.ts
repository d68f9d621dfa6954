import type { MessagePort } from 'node:worker_threads'
import { releaseBytes } from '#base/release-bytes.ts'
import { type FromJob, type ToJob, WINDOW_BYTES } from './channel.ts'

/** A job's side of its channel: bytes in, bytes out, all with bounded buffers. */
export class Job {
  readonly #port: MessagePort
  readonly #abort = new AbortController()
  readonly #incoming: Uint8Array[] = []
  #inputEnded = false
  #outputCredit = WINDOW_BYTES
  #written = { writtenBytes: 0, ended: false }
  #woken = Promise.withResolvers<void>()

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (message: ToJob) => this.#receive(message))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What the main thread sends, until it ends. */
  async *input(): AsyncGenerator<Buffer> {
    for (;;) {
      this.signal.throwIfAborted()
      const bytes = this.#incoming.shift()
      if (bytes !== undefined) {
        const sizeBytes = bytes.byteLength
        yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        this.post({ type: 'credit', bytes: sizeBytes })
        releaseBytes(bytes)
      } else if (this.#inputEnded) {
        return
      } else {
        await this.#woken.promise
      }
    }
  }

  /** Sends bytes to the main thread, waiting while it has enough. All of their buffer goes with them. */
  async output(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.signal.throwIfAborted()
    while (this.#outputCredit <= 0) {
      await this.#woken.promise
      this.signal.throwIfAborted()
    }
    this.#outputCredit -= bytes.byteLength
    this.#port.postMessage({ type: 'chunk', bytes } satisfies FromJob, [bytes.buffer])
  }

  /** For a file that grows: waits until more than `beyond` bytes are there, or no more will come. */
  async growth(beyond: number): Promise<{ readonly writtenBytes: number; readonly ended: boolean }> {
    while (!this.#written.ended && this.#written.writtenBytes <= beyond) {
      this.signal.throwIfAborted()
      await this.#woken.promise
    }
    this.signal.throwIfAborted()
    return this.#written
  }

  post(message: FromJob): void {
    this.#port.postMessage(message)
  }

  #receive(message: ToJob): void {
    switch (message.type) {
      case 'chunk':
        this.#incoming.push(message.bytes)
        break
      case 'end':
        this.#inputEnded = true
        break
      case 'credit':
        this.#outputCredit += message.bytes
        break
      case 'grown':
        this.#written = { writtenBytes: message.writtenBytes, ended: message.ended }
        break
      case 'abort':
        this.#abort.abort(new DOMException(message.message, 'AbortError'))
        break
    }
    this.#woken.resolve()
    this.#woken = Promise.withResolvers<void>()
  }
}
