import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Logger } from '#base/logger.ts'
import { gatewayEndpoint } from '../gateways.ts'
import type { LinkInside } from '../link-inside.ts'
import type { NetworkStore } from '../network-store.ts'
import type { DnsCounts } from '../networks.ts'
import type { SandboxRecord } from '../records.ts'
import { upstreamServers } from '../sandbox-view.ts'
import type { ViewContext } from '../sandbox-view.ts'
import type { NameServers } from '../sandboxes.ts'
import { failure, localAnswer, parseQuery, secondsToKeep } from './answer.ts'
import { openDnsSockets } from './dns-sockets.ts'
import { resolveLocally } from './resolve.ts'
import { framed, Upstream } from './upstream.ts'

const TCP_IDLE_MS = 10_000
const MAX_TCP_CLIENTS = 64

/**
 * The DNS server of containers in user-defined networks, at 127.0.0.11:53 inside each of their namespaces. The sockets are opened inside,
 * served here. They belong to the namespace: they must be closed for it to end.
 */
export class EmbeddedDns implements NameServers {
  readonly #parts: { readonly store: NetworkStore; readonly context: ViewContext; readonly log: Logger }
  readonly #upstream = new Upstream()
  readonly #counts = { local: 0, asked: 0, failed: 0 }
  readonly #servers = new Map<
    string,
    { readonly udp: UdpSocket; readonly tcp: Server; readonly clients: Set<Socket> }
  >()

  constructor(parts: { readonly store: NetworkStore; readonly context: ViewContext; readonly log: Logger }) {
    this.#parts = parts
  }

  /** Answers since the daemon started, by where they came from. */
  counts(): DnsCounts {
    const { local, asked, failed } = this.#counts
    const cache = this.#upstream.hits
    return { containers: local, cache, upstream: asked - cache - failed, failed }
  }

  open(record: SandboxRecord, inside: LinkInside, options: { readonly fresh: boolean }): void {
    const { containerId } = record
    if (this.#servers.has(containerId)) return
    const { udpFd, tcpFd } = inside.run(() => openDnsSockets(options))
    const warn = (error: Error): void => {
      this.#parts.log.warn('embedded DNS', { container: containerId, reason: error.message })
    }
    const udp = createSocket('udp4')
    udp.on('error', warn)
    udp.on('message', (bytes, peer) => {
      void this.#answer(containerId, bytes, false).then((answer) => {
        // The container may be gone by the time of an answer.
        if (answer !== null && this.#servers.get(containerId)?.udp === udp)
          udp.send(answer, peer.port, peer.address, () => {})
      })
    })
    udp.bind({ fd: udpFd, exclusive: true })
    udp.unref()
    const clients = new Set<Socket>()
    const tcp = createServer((client) => {
      clients.add(client)
      client.on('close', () => clients.delete(client))
      this.#serveTcp(containerId, client)
    })
    tcp.maxConnections = MAX_TCP_CLIENTS
    tcp.on('error', warn)
    tcp.listen({ fd: tcpFd }).unref()
    this.#servers.set(containerId, { udp, tcp, clients })
  }

  close(containerId: string): void {
    const server = this.#servers.get(containerId)
    if (server === undefined) return
    this.#servers.delete(containerId)
    server.udp.close()
    server.tcp.close()
    for (const client of server.clients) client.destroy()
  }

  closeAll(): void {
    for (const containerId of [...this.#servers.keys()]) this.close(containerId)
  }

  #serveTcp(containerId: string, client: Socket): void {
    let pending = Buffer.alloc(0)
    client.setTimeout(TCP_IDLE_MS, () => client.destroy())
    client.on('error', () => client.destroy())
    client.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0)
        const query = Buffer.from(pending.subarray(2, end))
        pending = pending.subarray(end)
        void this.#answer(containerId, query, true).then((answer) => {
          if (answer !== null && client.writable) client.write(framed(answer))
        })
      }
    })
  }

  async #answer(containerId: string, bytes: Buffer, tcp: boolean): Promise<Buffer | null> {
    const { store, context, log } = this.#parts
    const query = parseQuery(bytes)
    const record = store.sandbox(containerId)
    if (query === null || record === null) return null
    try {
      const local = resolveLocally(store, record, query.question)
      if (local.kind !== 'unknown') {
        this.#counts.local += 1
        return localAnswer(query, local, tcp)
      }
      const servers = this.#mayAskOthers(record) ? upstreamServers(record, context) : []
      this.#counts.asked += 1
      const answer = await this.#upstream.ask(bytes, { servers, tcp, ttlOf: secondsToKeep })
      if (answer === null) this.#counts.failed += 1
      return answer ?? failure(query)
    } catch (error) {
      log.warn('cannot answer a DNS query', { container: containerId, reason: String(error) })
      return failure(query)
    }
  }

  /** A container without a way out asks nobody outside, not even through us. */
  #mayAskOthers(record: SandboxRecord): boolean {
    const networkOf = this.#parts.context.networkOf
    return ([4, 6] as const).some(
      (family) => gatewayEndpoint(record.endpoints, { family, networkOf }) !== null,
    )
  }
}
