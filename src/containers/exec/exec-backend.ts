import type { ExecStartOptions } from '#spec/docker/options.ts'
import type { ExecCreateRequest } from '#spec/docker/requests.ts'
import type { StdioSession } from '#spec/docker/streams.ts'
import type { Execs } from './execs.ts'

/** One method for each endpoint of `/exec`. */
export class ExecBackend {
  readonly #execs: Execs
  /** Settles when running containers have been taken up. */
  readonly #ready: Promise<void>

  constructor(execs: Execs, ready: Promise<void>) {
    this.#execs = execs
    this.#ready = ready
  }

  async create(container: string, request: ExecCreateRequest): Promise<{ readonly Id: string }> {
    await this.#ready
    return this.#execs.create(container, request)
  }

  start(id: string, options: ExecStartOptions): Promise<StdioSession> {
    return this.#execs.start(id, options)
  }

  startDetached(id: string, options: ExecStartOptions): Promise<void> {
    return this.#execs.startDetached(id, options)
  }

  resize(id: string, size: { readonly rows: number; readonly columns: number }): Promise<void> {
    return this.#execs.resize(id, size)
  }

  async inspect(id: string): Promise<object> {
    return this.#execs.inspect(id)
  }

  detachKeys(id: string): string | null {
    return this.#execs.detachKeys(id)
  }
}
