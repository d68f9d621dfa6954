import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'

/** A client that is silent for so long is forgotten, as dockerd's proxy does. */
const IDLE_MS = 90_000
const MAX_CLIENTS = 1024

/** Passes datagrams between clients of a bound socket and one target: each client has a socket of its own towards the target. */
export class UdpRelay {
  readonly #socket: Socket
  readonly #target: { readonly host: string; readonly port: number }
  readonly #clients = new Map<string, { readonly socket: Socket; readonly timer: NodeJS.Timeout }>()

  /** @param fd a bound UDP socket, over IPv6 or not, which the relay closes in the end */
  constructor(
    fd: number,
    options: {
      readonly family: 4 | 6
      readonly host: string
      readonly port: number
      readonly failed: (error: Error) => void
    },
  ) {
    this.#target = options
    this.#socket = createSocket(options.family === 6 ? 'udp6' : 'udp4')
    this.#socket.on('error', options.failed)
    this.#socket.on('message', (bytes, client) => this.#pass(bytes, client))
    this.#socket.bind({ fd, exclusive: true })
    this.#socket.unref()
  }

  close(): void {
    this.#socket.close()
    for (const key of [...this.#clients.keys()]) this.#forget(key)
  }

  #pass(bytes: Buffer, client: RemoteInfo): void {
    const key = `${client.address}/${String(client.port)}`
    const known = this.#clients.get(key)
    known?.timer.refresh()
    const socket = known?.socket ?? this.#meet(key, client)
    socket?.send(bytes, this.#target.port, this.#target.host)
  }

  #meet(key: string, client: RemoteInfo): Socket | null {
    if (this.#clients.size >= MAX_CLIENTS) return null
    const socket = createSocket(this.#target.host.includes(':') ? 'udp6' : 'udp4')
    socket.on('error', () => this.#forget(key))
    socket.on('message', (bytes, from) => {
      if (from.address !== this.#target.host || from.port !== this.#target.port) return
      this.#clients.get(key)?.timer.refresh()
      this.#socket.send(bytes, client.port, client.address)
    })
    const timer = setTimeout(() => this.#forget(key), IDLE_MS).unref()
    this.#clients.set(key, { socket, timer })
    return socket.unref()
  }

  #forget(key: string): void {
    const known = this.#clients.get(key)
    if (known === undefined) return
    this.#clients.delete(key)
    clearTimeout(known.timer)
    known.socket.close()
  }
}
