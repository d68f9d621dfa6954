import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import { ArpProbe } from '#kernel/arp-probe.ts'
import type { NetworkStore } from '../network-store.ts'
import type { NetworkRecord } from '../records.ts'
import type { ClusterMirror } from './cluster-mirror.ts'
import type { ClusterEndpoint, ClusterKeys } from './cluster-records.ts'
import type { Etcd } from './etcd.ts'
import type { OverlayDriver } from './overlay-driver.ts'
import { deleteEndpoint } from './own-endpoints.ts'

const ATTEMPTS = 3
const ANSWER_MS = 700

/** What it is made of. */
export interface DeadHostsParts {
  readonly etcd: Etcd
  readonly keys: ClusterKeys
  readonly mirror: ClusterMirror
  readonly store: NetworkStore
  readonly driver: OverlayDriver
  readonly log: Logger
  readonly hostId: string
  readonly graceSeconds: number
  /** True while the network has containers here, or is about to. */
  readonly isUsed: (networkId: string) => boolean
}

/**
 * Gives the addresses of hosts back that are gone. That a host is silent says little: its daemon may be down, and its containers outlive it. So after the grace each
 * of its containers is asked by ARP, through the tunnel: what answers keeps its address and is asked again later, what does not is forgotten.
 */
export class DeadHosts {
  readonly #parts: DeadHostsParts
  /** Since when a host is missing, and when an endpoint of it answered last: milliseconds. */
  readonly #missingSince = new Map<string, number>()
  readonly #answeredAt = new Map<string, number>()
  #working: Promise<void> | null = null

  constructor(parts: DeadHostsParts) {
    this.#parts = parts
  }

  /** Looks whether something is due, and does it in the background. Cheap when all hosts are there. */
  look(now: number = performance.now()): void {
    const due = this.#due(now)
    if (due.length === 0 || this.#working !== null) return
    this.#working = this.#giveBack(due)
      .catch((error: unknown) =>
        this.#parts.log.warn('cannot give back the addresses of a host that is gone', {
          reason: messageOf(error),
        }),
      )
      .finally(() => {
        this.#working = null
      })
  }

  async close(): Promise<void> {
    await this.#working
  }

  #due(now: number): ClusterEndpoint[] {
    const { mirror, hostId, graceSeconds } = this.#parts
    const missing = [...mirror.endpoints()].filter(
      (held) => held.hostId !== hostId && !mirror.hosts.has(held.hostId),
    )
    const hosts = new Set(missing.map((held) => held.hostId))
    const ids = new Set(missing.map(({ id }) => id))
    for (const id of this.#missingSince.keys()) if (!hosts.has(id)) this.#missingSince.delete(id)
    for (const id of this.#answeredAt.keys()) if (!ids.has(id)) this.#answeredAt.delete(id)
    for (const id of hosts) if (!this.#missingSince.has(id)) this.#missingSince.set(id, now)
    return missing.filter((held) => {
      const since = this.#answeredAt.get(held.id) ?? this.#missingSince.get(held.hostId) ?? now
      return now - since >= graceSeconds * 1000
    })
  }

  async #giveBack(due: readonly ClusterEndpoint[]): Promise<void> {
    for (const [networkId, endpoints] of Map.groupBy(due, (held) => held.networkId)) {
      const network = this.#parts.store.network(networkId)
      if (network === null) continue
      const answering = await this.#ask(network, endpoints)
      for (const held of endpoints) {
        if (answering.has(held.id)) this.#answered(network, held)
        else await this.#forget(network, held)
      }
    }
  }

  #answered(network: NetworkRecord, held: ClusterEndpoint): void {
    if (!this.#answeredAt.has(held.id)) {
      this.#parts.log.info('a container of a host that is silent answers and keeps its address', {
        network: network.name,
        address: held.ipv4,
        container: held.containerName,
      })
    }
    this.#answeredAt.set(held.id, performance.now())
  }

  async #forget(network: NetworkRecord, held: ClusterEndpoint): Promise<void> {
    const { etcd, keys, mirror, log } = this.#parts
    const forgotten = await deleteEndpoint(etcd, keys, {
      endpoint: held,
      when: [
        { key: keys.host(held.hostId), target: 'CREATE', result: 'EQUAL', revision: 0 },
        {
          key: keys.endpoint(held.networkId, held.id),
          target: 'MOD',
          result: 'EQUAL',
          revision: mirror.revisionOf(held),
        },
      ],
    })
    if (!forgotten) return
    log.info('gave back the address of a host that is gone', {
      network: network.name,
      address: held.ipv4,
      container: held.containerName,
    })
  }

  /** The ids of the endpoints that answer. */
  async #ask(network: NetworkRecord, endpoints: readonly ClusterEndpoint[]): Promise<ReadonlySet<string>> {
    const { driver, isUsed } = this.#parts
    await driver.settled(network.id)
    const namespace = driver.ensure(network)
    const answering = new Set<string>()
    try {
      using probe = namespace.run(() => {
        const bridge = namespace.netlink.link('br0')
        return new ArpProbe({ out: namespace.tunnelIndex, in: bridge.index, mac: bridge.mac ?? '' })
      })
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const silent = endpoints.filter(({ id }) => !answering.has(id))
        for (const { mac, ipv4 } of silent) probe.ask({ mac, address: ipv4 })
        if (silent.length > 0) await sleep(ANSWER_MS)
        const answers = new Set(probe.answers().map(({ mac, address }) => `${mac} ${address}`))
        for (const { id, mac, ipv4 } of silent) if (answers.has(`${mac} ${ipv4}`)) answering.add(id)
      }
    } finally {
      if (!isUsed(network.id)) driver.retire(network.id)
    }
    return answering
  }
}
