import { join } from 'node:path'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/logger.ts'
import { PermissionDeniedError, UnavailableError } from '#errors/errors.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import type { EndpointResource, PeerInfo } from '#spec/docker/network.ts'
import type { Database } from '#store/database.ts'
import { releaseEndpoint } from '../endpoints.ts'
import type { NetworkStore } from '../network-store.ts'
import type { Pools } from '../pools.ts'
import type { EndpointRecord, NetworkRecord } from '../records.ts'
import { ClusterFollower, peerOf } from './cluster-follower.ts'
import { ClusterMirror } from './cluster-mirror.ts'
import { ClusterNetworks } from './cluster-networks.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { ClusterKeys } from './cluster-records.ts'
import type { ClusterEndpoint, ClusterHost } from './cluster-records.ts'
import { ClusterSession } from './cluster-session.ts'
import { DeadHosts } from './dead-hosts.ts'
import { Etcd } from './etcd.ts'
import { OverlayDriver } from './overlay-driver.ts'
import { OwnEndpoints } from './own-endpoints.ts'

/** How long the end of the daemon waits for addresses to be given back. */
const LAST_WORDS_MS = 1000
/** How long new work waits for the store. */
const WAIT_MS = 10_000

/** The cluster that this host is in, and who it is there. */
export interface ClusterMembership {
  readonly options: ClusterOptions
  /** Stays the same for the life of the data root. */
  readonly hostId: string
  readonly hostName: string
}

/** What it is made of. */
export interface OverlayParts {
  readonly database: Database
  readonly store: NetworkStore
  readonly pools: Pools
  readonly netlink: Rtnetlink
  readonly execRoot: string
  readonly log: Logger
  /** Null: no cluster store is configured. */
  readonly cluster: ClusterMembership | null
  /** Takes a running container out of a network. */
  readonly disconnect: (containerId: string, networkId: string) => Promise<void>
}

interface Cluster {
  readonly etcd: Etcd
  readonly mirror: ClusterMirror
  readonly session: ClusterSession
  readonly networks: ClusterNetworks
  readonly own: OwnEndpoints
  readonly deadHosts: DeadHosts
  readonly remembered: ClusterFollower['remembered']
}

/** Overlay networks: what of them is the cluster's, and their links on this host. */
export class Overlay {
  readonly driver: OverlayDriver
  readonly #parts: OverlayParts
  readonly #cluster: Cluster | null

  constructor(parts: OverlayParts) {
    this.#parts = parts
    const { netlink, execRoot, log, cluster } = parts
    this.driver = new OverlayDriver({
      netlink,
      directory: join(execRoot, 'overlay'),
      log,
      local: () => this.#host().address,
      peersOf: (networkId) => this.#elsewhere(networkId).map(peerOf),
    })
    this.#cluster = cluster === null ? null : this.#join(cluster)
  }

  /** Takes away what a daemon that died has left, and begins to follow the cluster; the records of this host are loaded by then. */
  start(): void {
    this.driver.sweep((networkId) => this.#parts.store.attachedTo(networkId).size > 0)
    this.#cluster?.mirror.seed(this.#cluster.remembered())
    this.#cluster?.session.start()
  }

  async close(): Promise<void> {
    if (this.#cluster !== null) {
      const { etcd, session, own, deadHosts } = this.#cluster
      // What is not done by then the next start does.
      await Promise.race([own.removed(), sleep(LAST_WORDS_MS, undefined, { ref: false })])
      etcd.close()
      await session.close()
      await deadHosts.close()
    }
    await this.driver.close()
  }

  /**
   * Makes the network with this id known to all hosts; `plan` may be called several times, with the networks of the cluster.
   * @throws ConflictError, PermissionDeniedError; UnavailableError when the store does not answer, or when there is none.
   */
  async publish(
    id: string,
    plan: (others: readonly NetworkRecord[]) => NetworkRecord,
  ): Promise<NetworkRecord> {
    const { session, networks } = this.#required()
    await session.connected(WAIT_MS)
    return await networks.publish(id, plan)
  }

  /** Forgets a network on all hosts. @throws PermissionDeniedError while a host has containers in it; UnavailableError. */
  async unpublish(network: NetworkRecord): Promise<void> {
    // Left over from when this host was in a cluster.
    if (this.#cluster === null) return
    const { session, networks, own } = this.#cluster
    await session.connected(WAIT_MS)
    await own.removed()
    if (await networks.unpublish(network.id)) return
    throw new PermissionDeniedError(
      `error while removing network: network ${network.name} has active endpoints on other hosts`,
    )
  }

  /**
   * Takes a place in a network for a container, with addresses that nobody else has. `plan` chooses addresses among those that are free as far as this host
   * knows, and is called again when another host was faster. Record the endpoint, or `release` it.
   * @throws PermissionDeniedError when an address is taken or none is left, NotFoundError when the network is gone, UnavailableError.
   */
  async claim(
    plan: () => EndpointRecord,
    owner: { readonly containerId: string; readonly containerName: string },
  ): Promise<EndpointRecord> {
    const { session, own } = this.#required()
    await session.connected(WAIT_MS)
    await own.removed()
    for (;;) {
      const endpoint = plan()
      try {
        const conflict = await own.claim(endpoint, owner)
        if (conflict === null) {
          await this.driver.settled(endpoint.networkId)
          return endpoint
        }
        this.#leaveToOther(endpoint, conflict)
      } catch (error) {
        releaseEndpoint(this.#parts.pools, endpoint)
        throw error
      }
      const { IPv4Address, IPv6Address } = endpoint.settings.IPAMConfig ?? {}
      const fixed =
        (endpoint.ipv4 !== null && Boolean(IPv4Address)) || (endpoint.ipv6 !== null && Boolean(IPv6Address))
      if (fixed) throw new PermissionDeniedError('Address already in use')
    }
  }

  /** Gives an endpoint back that is not recorded any more. The store hears of it in the background. */
  release(endpoint: EndpointRecord): void {
    if (this.#cluster === null) return
    this.#cluster.own.remove(endpoint)
    if (!this.#isUsed(endpoint.networkId)) this.driver.retire(endpoint.networkId)
  }

  /** What is recorded of this host's endpoints has changed: tells the store. */
  changed(): void {
    // What the store cannot be told now, the session tells later.
    void this.#cluster?.own.settle().catch(() => {})
  }

  /** Containers of other hosts in a network, as inspection lists them. */
  containersElsewhere(network: NetworkRecord): Record<string, EndpointResource> {
    const withPrefix = (address: string | null, family: 4 | 6): string => {
      const pool = network.pools.find((candidate) => candidate.family === family)
      return address === null || pool === undefined ? '' : `${address}/${pool.subnet.split('/')[1] ?? ''}`
    }
    return Object.fromEntries(
      this.#elsewhere(network.id).map((held) => [
        held.containerId,
        {
          Name: held.containerName,
          EndpointID: held.id,
          MacAddress: held.mac,
          IPv4Address: withPrefix(held.ipv4, 4),
          IPv6Address: withPrefix(held.ipv6, 6),
        },
      ]),
    )
  }

  /** The hosts that have containers in a network. */
  hostsOf(networkId: string): PeerInfo[] {
    const held = [...(this.#cluster?.mirror.endpointsOf(networkId).values() ?? [])]
    const names = new Map(
      held.map(({ hostId, address }) => [address, this.#cluster?.mirror.hosts.get(hostId)?.name ?? hostId]),
    )
    return [...names].toSorted().map(([IP, Name]) => ({ Name, IP }))
  }

  #join(cluster: ClusterMembership): Cluster {
    const { store, pools, log, database, disconnect } = this.#parts
    const { options, hostId } = cluster
    const etcd = new Etcd(options.etcd)
    const keys = new ClusterKeys(options.prefix)
    const listener = new ClusterFollower({
      ...{ database, store, pools, log, hostId },
      driver: this.driver,
      endpointsOf: (networkId) => mirror.endpointsOf(networkId).values(),
    })
    const mirror: ClusterMirror = new ClusterMirror({ keys, listener, log })
    const networks = new ClusterNetworks({ etcd, keys, mirror })
    const common = { etcd, keys, mirror, store, log }
    const own = new OwnEndpoints({
      ...common,
      host: () => this.#host(),
      fence: disconnect,
      restore: async (networkId) => {
        const network = store.network(networkId)
        if (network !== null) await networks.restore(network)
      },
    })
    const deadHosts = new DeadHosts({
      ...common,
      ...{ driver: this.driver, hostId, graceSeconds: options.graceSeconds },
      isUsed: (networkId) => this.#isUsed(networkId),
    })
    const session = new ClusterSession({
      ...{ etcd, keys, mirror, options, log },
      host: () => this.#host(),
      settle: async () => {
        await own.settle()
        deadHosts.look()
      },
    })
    return { etcd, mirror, session, networks, own, deadHosts, remembered: () => listener.remembered() }
  }

  #required(): Cluster {
    if (this.#cluster !== null) return this.#cluster
    throw new UnavailableError(
      'overlay networks need a cluster store: start wharfd with --cluster-store etcd://<host>:2379 and --cluster-advertise <address>',
    )
  }

  #host(): ClusterHost {
    const { cluster } = this.#parts
    if (cluster === null) this.#required()
    const { options, hostId = '', hostName = '' } = cluster ?? {}
    return { id: hostId, name: hostName, address: addressOf(options?.advertise ?? '') }
  }

  #elsewhere(networkId: string): ClusterEndpoint[] {
    const hostId = this.#parts.cluster?.hostId
    return [...(this.#cluster?.mirror.endpointsOf(networkId).values() ?? [])].filter(
      (held) => held.hostId !== hostId,
    )
  }

  #isUsed(networkId: string): boolean {
    return (
      this.#parts.store.attachedTo(networkId).size > 0 || this.#cluster?.own.isClaiming(networkId) === true
    )
  }

  /** Another host has the address: it stays taken here until the store tells that it is free, the rest of the endpoint is given back. */
  #leaveToOther(
    endpoint: EndpointRecord,
    conflict: { readonly address: string; readonly revision: number },
  ): void {
    const { pools } = this.#parts
    const { networkId, ipv4, ipv6 } = endpoint
    for (const address of [ipv4, ipv6]) {
      if (address !== null && address !== conflict.address) pools.release(networkId, address)
    }
    void this.#cluster?.mirror.reached(conflict.revision).then(() => {
      const held = [...(this.#cluster?.mirror.endpointsOf(networkId).values() ?? [])]
      if (!held.some((other) => [other.ipv4, other.ipv6].includes(conflict.address)))
        pools.release(networkId, conflict.address)
    })
  }
}

/** The address of an interface, or what is an address already. @throws UnavailableError. */
function addressOf(advertise: string): string {
  if (isIP(advertise) !== 0) return advertise
  const addresses = networkInterfaces()[advertise] ?? []
  const found = addresses.find(({ family }) => family === 'IPv4') ?? addresses.find(({ scopeid }) => !scopeid)
  if (found !== undefined) return found.address
  throw new UnavailableError(`the interface ${advertise} of cluster-advertise has no address`)
}
