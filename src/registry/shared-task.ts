/** Somebody who waits for a task: told of its progress, and free to leave. */
interface Subscriber<P> {
  onProgress(progress: P): void
}

interface Running<T, P> {
  readonly result: Promise<T>
  readonly subscribers: Set<Subscriber<P>>
  readonly abort: AbortController
  last: P | null
}

/** Work that several callers want at once is done once; it is aborted when all of them have left. */
export class SharedTasks<T, P> {
  readonly #running = new Map<string, Running<T, P>>()

  /**
   * Waits for the work under `key`, and starts it if nobody has. Who joins late is told the newest progress first.
   * @throws the caller's signal's reason as soon as it aborts; the work's own error.
   */
  async run(
    key: string,
    options: {
      readonly signal: AbortSignal
      onProgress(progress: P): void
      start(signal: AbortSignal, report: (progress: P) => void): Promise<T>
    },
  ): Promise<T> {
    options.signal.throwIfAborted()
    const task = this.#running.get(key) ?? this.#start(key, options.start)
    const subscriber: Subscriber<P> = { onProgress: (progress) => options.onProgress(progress) }
    if (task.last !== null) subscriber.onProgress(task.last)
    task.subscribers.add(subscriber)
    const left = Promise.withResolvers<never>()
    const leave = (): void => left.reject(options.signal.reason)
    options.signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([task.result, left.promise])
    } finally {
      options.signal.removeEventListener('abort', leave)
      task.subscribers.delete(subscriber)
      if (task.subscribers.size === 0) this.#abandon(key, task)
    }
  }

  #start(
    key: string,
    start: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Running<T, P> {
    const abort = new AbortController()
    const subscribers = new Set<Subscriber<P>>()
    const report = (progress: P): void => {
      task.last = progress
      for (const subscriber of subscribers) subscriber.onProgress(progress)
    }
    const begin = Promise.withResolvers<void>()
    const result = begin.promise.then(() => start(abort.signal, report))
    const task: Running<T, P> = { result, subscribers, abort, last: null }
    this.#running.set(key, task)
    begin.resolve()
    const ended = (): void => {
      if (this.#running.get(key) === task) this.#running.delete(key)
    }
    result.then(ended, ended)
    return task
  }

  #abandon(key: string, task: Running<T, P>): void {
    if (this.#running.get(key) !== task) return
    this.#running.delete(key)
    task.abort.abort(new DOMException('nobody waits for it any more', 'AbortError'))
  }
}
