import { Readable } from 'node:stream'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { UnavailableError, messageOf } from '#errors/errors.ts'
import { type FromJob, type JobStart, type ToJob, WINDOW_BYTES, fromErrorRecord } from './channel.ts'

const MAX_WORKERS = 2
/**
 * Threads cost 10 MB each, and a tenth of a second to start; they go when nothing was asked of them for this long. The last
 * one stays for what a person does next: a build that is all cached takes 8 ms with it.
 */
const IDLE_MS = 10_000
const LAST_IDLE_MS = 120_000

export interface JobOptions {
  readonly signal?: AbortSignal | undefined
  /** Bytes for the job, sent as it takes them. */
  readonly input?: AsyncIterable<Uint8Array>
  /** A file that the job reads while it grows. */
  readonly growing?: { growth(beyond: number): Promise<{ writtenBytes: number; ended: boolean }> }
  onProgress?: ((bytes: number) => void) | undefined
  /** What the job tells before it is done. */
  onNote?(value: unknown): void
  /** Takes the job's output; the job waits until the promise resolves. */
  onChunk?(bytes: Uint8Array): Promise<void> | void
}

interface Thread {
  readonly worker: Worker
  readonly jobs: Set<(error: Error) => void>
  idle: NodeJS.Timeout | null
}

/** Two worker threads, started when there is work; each runs several jobs that wait for their bytes side by side. */
export class WorkerPool {
  readonly #threads = new Set<Thread>()
  #closed = false

  /** Runs a job to its end. @throws what the job threw, as the same class; the signal's reason. */
  async run<T>(kind: string, parameters: unknown, options: JobOptions = {}): Promise<T> {
    options.signal?.throwIfAborted()
    if (this.#closed) throw new UnavailableError('the daemon is shutting down')
    const thread = this.#pick()
    const { port1: port, port2: remote } = new MessageChannel()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    thread.jobs.add(reject)
    const onAbort = (): void => send(port, { type: 'abort', message: messageOf(options.signal?.reason) })
    try {
      const credit = new Credit()
      port.on('message', (message: FromJob) => {
        switch (message.type) {
          case 'done':
            resolve(message.value)
            break
          case 'failed':
            reject(
              options.signal?.aborted === true
                ? asError(options.signal.reason)
                : fromErrorRecord(message.error),
            )
            break
          case 'credit':
            credit.add(message.bytes)
            break
          case 'progress':
            options.onProgress?.(message.bytes)
            break
          case 'note':
            options.onNote?.(message.value)
            break
          case 'chunk':
            void deliver(message.bytes, { port, options, reject })
            break
        }
      })
      thread.worker.postMessage({ kind, parameters, port: remote } satisfies JobStart, [remote])
      options.signal?.addEventListener('abort', onAbort, { once: true })
      const feeding = feed(port, options, credit)
      // A source that fails ends the job; the job's answer is then the source's error.
      feeding.catch((error: unknown) => {
        send(port, { type: 'abort', message: messageOf(error) })
        reject(asError(error))
      })
      return (await promise) as T
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
      thread.jobs.delete(reject)
      port.close()
      this.#rest(thread)
    }
  }

  /** Runs a job whose output is a stream. Destroying the stream aborts the job. */
  stream(kind: string, parameters: unknown, options: Pick<JobOptions, 'signal' | 'input'> = {}): Readable {
    const abort = new AbortController()
    const signal =
      options.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, options.signal])
    let wanted: (() => void) | null = null
    let isOver = false
    const stream = new Readable({
      highWaterMark: 256 * 1024,
      read() {
        wanted?.()
        wanted = null
      },
      destroy(error, done) {
        if (!isOver) abort.abort(new DOMException('the stream was closed', 'AbortError'))
        wanted?.()
        done(error)
      },
    })
    const over = (): void => {
      isOver = true
    }
    this.run(kind, parameters, {
      signal,
      ...(options.input === undefined ? {} : { input: options.input }),
      onChunk: (bytes) => {
        if (stream.push(Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength))) return
        return new Promise<void>((resolve) => {
          wanted = resolve
        })
      },
    }).then(
      () => {
        over()
        stream.push(null)
      },
      (error: unknown) => {
        over()
        stream.destroy(asError(error))
      },
    )
    return stream
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#threads].map((thread) => thread.worker.terminate()))
  }

  #pick(): Thread {
    const least = [...this.#threads].sort((a, b) => a.jobs.size - b.jobs.size)[0]
    const thread =
      least !== undefined && (least.jobs.size === 0 || this.#threads.size >= MAX_WORKERS)
        ? least
        : this.#start()
    if (thread.idle !== null) clearTimeout(thread.idle)
    thread.idle = null
    return thread
  }

  #start(): Thread {
    // In the bundle the worker is a file beside it.
    const entry = import.meta.url.endsWith('.ts') ? './main.ts' : './layer-worker.js'
    const worker = new Worker(new URL(entry, import.meta.url), {
      name: 'layers',
      // Files are opened here by openat2 too, which Node does not see.
      trackUnmanagedFds: false,
      resourceLimits: { maxOldGenerationSizeMb: 1536, maxYoungGenerationSizeMb: 8 },
    })
    const thread: Thread = { worker, jobs: new Set(), idle: null }
    this.#threads.add(thread)
    const gone = (error: Error): void => {
      this.#threads.delete(thread)
      for (const reject of thread.jobs) reject(error)
    }
    worker.on('error', (error: unknown) =>
      gone(new UnavailableError(`worker thread failed: ${messageOf(error)}`, { cause: error })),
    )
    worker.on('exit', () => gone(new UnavailableError('the worker thread is gone')))
    // The daemon's life does not hang on a thread that waits.
    worker.unref()
    return thread
  }

  #rest(thread: Thread, idleMs = IDLE_MS): void {
    if (thread.jobs.size > 0 || !this.#threads.has(thread)) return
    thread.idle = setTimeout(() => {
      const isLast = this.#threads.size === 1 && idleMs === IDLE_MS
      if (isLast) return this.#rest(thread, LAST_IDLE_MS)
      this.#threads.delete(thread)
      void thread.worker.terminate()
    }, idleMs)
    thread.idle.unref()
  }
}

/** How much may still be sent. */
class Credit {
  #bytes = WINDOW_BYTES
  #more = Promise.withResolvers<void>()

  add(bytes: number): void {
    this.#bytes += bytes
    this.#more.resolve()
    this.#more = Promise.withResolvers<void>()
  }

  async take(bytes: number): Promise<void> {
    while (this.#bytes <= 0) await this.#more.promise
    this.#bytes -= bytes
  }
}

async function feed(port: MessagePort, options: JobOptions, credit: Credit): Promise<void> {
  if (options.input !== undefined) {
    for await (const bytes of options.input) {
      await credit.take(bytes.byteLength)
      // A piece is often a small part of a large buffer, and a message takes a whole buffer with it.
      const own = new Uint8Array(bytes)
      port.postMessage({ type: 'chunk', bytes: own } satisfies ToJob, [own.buffer])
    }
    send(port, { type: 'end' })
  } else if (options.growing !== undefined) {
    let seen = 0
    for (let ended = false; !ended;) {
      const grown = await options.growing.growth(seen)
      send(port, { type: 'grown', ...grown })
      seen = grown.writtenBytes
      ended = grown.ended
    }
  }
}

async function deliver(
  bytes: Uint8Array,
  to: { port: MessagePort; options: JobOptions; reject: (error: Error) => void },
): Promise<void> {
  try {
    await to.options.onChunk?.(bytes)
    send(to.port, { type: 'credit', bytes: bytes.byteLength })
  } catch (error) {
    to.reject(asError(error))
  }
}

function send(port: MessagePort, message: ToJob): void {
  port.postMessage(message)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(messageOf(reason))
}
