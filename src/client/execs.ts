import type { ExecCreateRequest } from '#spec/docker/requests.ts'
import { hijacked } from './streams.ts'
import type { Hijacked } from './streams.ts'
import type { Transport } from './transport.ts'

/** `/exec`: further processes in running containers. */
export class Execs {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  create(container: string, request: ExecCreateRequest): Promise<{ Id: string }> {
    return this.#transport.json(`/containers/${encodeURIComponent(container)}/exec`, {
      method: 'POST',
      json: request,
    })
  }

  /** Starts in the background. */
  async startDetached(id: string, options: { tty: boolean }): Promise<void> {
    await this.#transport.text(`/exec/${id}/start`, {
      method: 'POST',
      json: { Detach: true, Tty: options.tty },
    })
  }

  /** Starts and takes over the connection as the process's stdio. */
  async start(
    id: string,
    options: { tty: boolean; consoleSize?: readonly [number, number] | undefined },
  ): Promise<Hijacked> {
    const json = {
      Detach: false,
      Tty: options.tty,
      ...(options.consoleSize === undefined ? {} : { ConsoleSize: options.consoleSize }),
    }
    return hijacked(await this.#transport.hijack(`/exec/${id}/start`, { method: 'POST', json }), {
      isTty: options.tty,
    })
  }

  inspect(id: string): Promise<{ Running: boolean; ExitCode: number | null; Pid?: number }> {
    return this.#transport.json(`/exec/${id}/json`)
  }

  async resize(id: string, size: { rows: number; columns: number }): Promise<void> {
    await this.#transport.text(`/exec/${id}/resize`, {
      method: 'POST',
      query: { h: size.rows, w: size.columns },
    })
  }
}
