import { closeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Logger } from '#base/logger.ts'
import type { HostPorts } from './host-ports.ts'
import { UdpRelay } from './udp-relay.ts'
import type { PublishedPort } from './port-spec.ts'
import type { EndpointRecord } from './records.ts'

/**
 * Serves published TCP and UDP ports where the firewall cannot: at IPv6 host addresses when the container has no IPv6 or the client is on IPv6
 * loopback (which the kernel never routes); all of a family without rules (`iptables`); and all ports of containers that publish so (`relayed`). It listens on the very socket that holds the port. All other traffic never comes here.
 */
export class PortProxy {
  readonly enabled: boolean
  readonly #serves: (hostIp: string) => boolean
  readonly #hostPorts: HostPorts
  readonly #log: Logger
  readonly #servers = new Map<string, Server>()
  readonly #relays = new Map<string, UdpRelay>()
  readonly #connections = new Map<Server, Set<Socket>>()

  constructor(parts: {
    readonly hostPorts: HostPorts
    readonly enabled: boolean
    readonly serves: (hostIp: string) => boolean
    readonly log: Logger
  }) {
    this.#serves = parts.serves
    this.enabled = parts.enabled
    this.#hostPorts = parts.hostPorts
    this.#log = parts.log
  }

  open(endpoint: EndpointRecord, port: PublishedPort): void {
    const host = endpoint.ipv4 ?? endpoint.ipv6
    const served = port.relayed === true || this.#serves(port.hostIp)
    if (!served || port.protocol === 'sctp' || host === null) return
    const fd = this.#hostPorts.takeSocket(port)
    if (fd === null) return
    const failed = (error: Error): void => {
      this.#log.warn('cannot serve a port', { port: port.hostPort, reason: error.message })
    }
    if (port.protocol === 'udp') {
      this.#relays.set(
        keyOf(port),
        new UdpRelay(fd, {
          family: port.hostIp.includes(':') ? 6 : 4,
          host,
          port: port.containerPort,
          failed,
        }),
      )
      return
    }
    const target = { host, port: port.containerPort, allowHalfOpen: true }
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) =>
      this.#pass(server, client, target),
    )
    server.on('error', failed)
    this.#servers.set(keyOf(port), server)
    this.#connections.set(server, new Set())
    try {
      server.listen({ fd }).unref()
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  close(port: PublishedPort): void {
    this.#relays.get(keyOf(port))?.close()
    this.#relays.delete(keyOf(port))
    const server = this.#servers.get(keyOf(port))
    if (server === undefined) return
    this.#servers.delete(keyOf(port))
    this.#stop(server)
  }

  closeAll(): void {
    for (const relay of this.#relays.values()) relay.close()
    this.#relays.clear()
    for (const server of this.#servers.values()) this.#stop(server)
    this.#servers.clear()
  }

  #stop(server: Server): void {
    server.close()
    for (const socket of this.#connections.get(server) ?? []) socket.destroy()
    this.#connections.delete(server)
  }

  #pass(server: Server, client: Socket, target: { readonly host: string; readonly port: number }): void {
    const upstream = connect(target)
    const sockets = this.#connections.get(server)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets?.add(socket)
      // A reset on one side is a reset on the other; what ends orderly ends by pipe().
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets?.delete(socket)
        if (!socket.readableEnded) other.destroy()
      })
    }
    client.pipe(upstream)
    upstream.pipe(client)
  }
}

function keyOf(port: PublishedPort): string {
  return `${port.protocol}/${port.hostIp}/${String(port.hostPort)}`
}
