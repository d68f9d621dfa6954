import { failpointSync } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import { forgetUdpFlows } from '#kernel/conntrack.ts'
import type { Firewall } from './firewall.ts'
import { PublishError } from './host-ports.ts'
import type { HostPorts } from './host-ports.ts'
import type { NetworkStore } from './network-store.ts'
import { planPorts } from './port-changes.ts'
import type { PortChange } from './port-changes.ts'
import { portWishes } from './port-spec.ts'
import type { PortWish } from './port-spec.ts'
import { holdPorts, hostAddresses, isRelayed, portRules, PUBLISH_MODE } from './publishing.ts'
import type { PublishPlace } from './publishing.ts'
import type { PublishedPort } from './port-spec.ts'
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts'

/** Serves published ports that the firewall cannot: IPv6 loopback, IPv6 to a container without it. */
export interface PortProxies {
  readonly enabled: boolean
  open(endpoint: EndpointRecord, port: PublishedPort): void
  close(port: PublishedPort): void
}

/** Publishes ports of containers: holds them on the host, tells the firewall, serves what the firewall cannot. */
export class PortPublisher {
  readonly #parts: PublisherParts

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * Publishes what the container asked for at the first of its endpoints that is among `publishing`, and nowhere else; returns the record as written.
   * @throws PublishError in Docker's words.
   */
  publishAt(record: SandboxRecord, publishing: ReadonlySet<string>): SandboxRecord {
    const { store, proxies, firewall } = this.#parts
    const first = record.endpoints.find((endpoint) => publishing.has(endpoint.id))
    if (record.endpoints.some((endpoint) => endpoint.ports.length > 0 && endpoint !== first)) {
      for (const endpoint of record.endpoints) this.unpublish(endpoint)
    } else if (first !== undefined && first.ports.length > 0) {
      return record // The ports are where they must be.
    }
    const network = first === undefined ? null : store.network(first.networkId)
    const wishes = network?.driver === 'bridge' ? portWishes(record.request) : []
    if (first === undefined || network === null || wishes.length === 0) {
      if (record.endpoints.every((endpoint) => endpoint.ports.length === 0)) return record
      const bare = { ...record, endpoints: record.endpoints.map((endpoint) => ({ ...endpoint, ports: [] })) }
      store.putSandbox(bare)
      return bare
    }
    const ports = this.#hold(record, wishes, this.#place(record, network, first))
    const published = { ...first, ports }
    const settled = withPorts(record, published)
    store.putSandbox(settled)
    failpointSync('network.sandbox.ports-recorded')
    firewall.publish(published.id, portRules(network, published))
    for (const port of ports) proxies.open(published, port)
    this.#forgetFlows(ports)
    return settled
  }

  /**
   * Changes what a running container publishes, all or nothing; ports that stay are not touched. Connections to what goes live on until they end. The
   * record, which names `change`'s wishes, and the owner's are written as one; then the kernel is asked.
   * @throws PublishError in Docker's words; nothing is changed then.
   */
  republish(record: SandboxRecord, first: EndpointRecord | null, change: PortChange): SandboxRecord {
    const { store, proxies, firewall } = this.#parts
    const network = first === null ? null : store.network(first.networkId)
    if (first === null || network?.driver !== 'bridge') {
      store.putSandboxWith(record, change.record)
      return record
    }
    const place = this.#place(record, network, first)
    const { kept, surplus, missing } = planPorts(first.ports, portWishes(record.request), {
      drop: change.drop,
      addressesOf: (wish) => hostAddresses(wish, place),
    })
    // What goes may be what comes: the same port of the host for another of the container.
    for (const port of surplus) this.#letGo(port)
    let added: PublishedPort[]
    try {
      added = this.#hold(record, missing, place)
    } catch (error) {
      this.#holdAgain(record, { ...first, ports: surplus })
      throw error
    }
    const published = { ...first, ports: [...kept, ...added].toSorted(byContainerPort) }
    const settled = withPorts(record, published)
    store.putSandboxWith(settled, change.record)
    failpointSync('network.republish.recorded')
    firewall.republish(published.id, portRules(network, published))
    for (const port of added) proxies.open(published, port)
    this.#forgetFlows([...surplus, ...added])
    return settled
  }

  #hold(record: SandboxRecord, wishes: readonly PortWish[], place: PublishPlace): PublishedPort[] {
    try {
      return holdPorts(this.#parts.hostPorts, wishes, place)
    } catch (error) {
      if (!(error instanceof PublishError)) throw error
      throw new PublishError(
        'driver failed programming external connectivity on endpoint ' +
          `${record.containerName} (${place.endpoint.id}): ${error.message}`,
        { cause: error },
      )
    }
  }

  #place(record: SandboxRecord, network: NetworkRecord, endpoint: EndpointRecord): PublishPlace {
    const words = [record.request.labels?.[PUBLISH_MODE], network.options[PUBLISH_MODE]]
    const relayed = isRelayed(words, portWishes(record.request))
    return { network, endpoint, proxied: this.#parts.proxies.enabled, relayed }
  }

  #letGo(port: PublishedPort): void {
    this.#parts.proxies.close(port)
    this.#parts.hostPorts.release(port)
  }

  /** Takes back what an endpoint publishes. */
  unpublish(endpoint: EndpointRecord): void {
    this.#parts.firewall.unpublish(endpoint.id)
    for (const port of endpoint.ports) this.#letGo(port)
    this.#forgetFlows(endpoint.ports)
  }

  /** Not waited for: what comes meanwhile goes where it went. */
  #forgetFlows(ports: readonly PublishedPort[]): void {
    const udp = new Set(ports.filter(({ protocol }) => protocol === 'udp').map(({ hostPort }) => hostPort))
    if (udp.size === 0) return
    setImmediate(() => {
      try {
        forgetUdpFlows(udp)
      } catch (error) {
        this.#parts.log.warn('cannot forget old UDP flows', { reason: messageOf(error) })
      }
    })
  }

  /** After a restart: holds the ports of a running container again. What cannot be had again is logged: the container runs on. */
  adopt(record: SandboxRecord, endpoint: EndpointRecord): void {
    this.#holdAgain(record, endpoint)
  }

  #holdAgain(record: SandboxRecord, endpoint: EndpointRecord): void {
    const { proxies, hostPorts, log } = this.#parts
    for (const port of endpoint.ports) {
      try {
        hostPorts.hold([port])
        proxies.open(endpoint, port)
      } catch (error) {
        log.warn('cannot hold a published port again', {
          container: record.containerId,
          reason: messageOf(error),
        })
      }
    }
  }
}

/** The record with the ports of this endpoint as they are, and none at others. */
function withPorts(record: SandboxRecord, published: EndpointRecord): SandboxRecord {
  const endpoints = record.endpoints.map((endpoint) =>
    endpoint.id === published.id ? published : { ...endpoint, ports: [] },
  )
  return { ...record, endpoints }
}

function byContainerPort(a: PublishedPort, b: PublishedPort): number {
  return a.containerPort - b.containerPort
}

/** What the publisher works with. */
export interface PublisherParts {
  readonly store: NetworkStore
  readonly hostPorts: HostPorts
  readonly firewall: Firewall
  readonly proxies: PortProxies
  readonly log: Logger
}
