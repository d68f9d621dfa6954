import type { Logger } from '#base/logger.ts'
import type { Database, Schema } from '#store/database.ts'
import type { NamedContainer } from '../dns/name-index.ts'
import type { NetworkStore } from '../network-store.ts'
import type { Pools } from '../pools.ts'
import type { EndpointRecord, NetworkRecord } from '../records.ts'
import type { MirrorListener } from './cluster-mirror.ts'
import type { ClusterEndpoint } from './cluster-records.ts'
import type { OverlayDriver } from './overlay-driver.ts'
import type { Peer } from './overlay-namespace.ts'

/** What was last heard of the cluster: a daemon that starts while the store is away knows other hosts' containers all the same. */
export const clusterSchema: Schema = {
  area: 'cluster',
  migrations: [`CREATE TABLE cluster_entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`],
}

/** What it is made of. */
export interface FollowerParts {
  readonly database: Database
  readonly store: NetworkStore
  readonly pools: Pools
  readonly driver: OverlayDriver
  readonly hostId: string
  readonly log: Logger
  /** The endpoints of a network that the store holds, of all hosts. */
  readonly endpointsOf: (networkId: string) => Iterable<ClusterEndpoint>
}

/** Lets what this host has follow the cluster: its list of networks, addresses that are taken, names, and where the tunnels send frames. */
export class ClusterFollower implements MirrorListener {
  readonly #parts: FollowerParts

  constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  /** What was last heard. */
  remembered(): { readonly key: string; readonly value: string }[] {
    const rows = this.#parts.database.prepare('SELECT key, value FROM cluster_entries').all()
    return rows.map((row) => ({ key: String(row['key']), value: String(row['value']) }))
  }

  entryChanged(key: string, value: string | null): void {
    const { database } = this.#parts
    if (value === null) database.prepare('DELETE FROM cluster_entries WHERE key = ?').run(key)
    else database.prepare('INSERT OR REPLACE INTO cluster_entries VALUES (?, ?)').run(key, value)
  }

  networkChanged(id: string, network: NetworkRecord | null): void {
    const { store, pools } = this.#parts
    if (network !== null) return this.take(network)
    // Containers here are in it: it will be put back.
    if (store.network(id) === null || store.attachedTo(id).size > 0) return
    pools.remove(id)
    store.deleteNetwork(id)
  }

  /** Makes a network of the cluster one of this host's. */
  take(network: NetworkRecord): void {
    const { store, pools, log, endpointsOf } = this.#parts
    const before = store.network(network.id)
    const namesake = store.networkByName(network.name)
    if (namesake !== null && namesake.id !== network.id) {
      log.error('a network of the cluster cannot be seen here: a local network has its name', {
        network: network.name,
      })
      return
    }
    if (JSON.stringify(before) !== JSON.stringify(network)) store.putNetwork(network)
    if (before !== null) return
    pools.add(network)
    for (const held of endpointsOf(network.id)) this.#appear(held)
  }

  endpointChanged(before: ClusterEndpoint | null, after: ClusterEndpoint | null): void {
    const { driver, hostId } = this.#parts
    if (before !== null) this.#vanish(before)
    if (after !== null) this.#appear(after)
    const peer = (held: ClusterEndpoint | null): Peer | null =>
      held === null || held.hostId === hostId ? null : peerOf(held)
    driver.peerChanged((after ?? before)?.networkId ?? '', peer(before), peer(after))
  }

  #appear(held: ClusterEndpoint): void {
    const { store, pools, hostId } = this.#parts
    const network = store.network(held.networkId)
    if (network === null) return
    for (const address of addressesOf(held)) pools.reserve(network.id, address)
    if (held.hostId !== hostId) store.names.add(asNamed(held, network.name))
  }

  #vanish(held: ClusterEndpoint): void {
    const { store, pools, hostId } = this.#parts
    const network = store.network(held.networkId)
    if (network === null) return
    if (held.hostId !== hostId) store.names.remove(asNamed(held, network.name))
    const inUse = new Set(
      [...store.attachedTo(network.id).values()].flatMap(({ endpoints }) =>
        endpoints.flatMap((endpoint) =>
          endpoint.networkId === network.id ? [endpoint.ipv4, endpoint.ipv6] : [],
        ),
      ),
    )
    for (const address of addressesOf(held)) if (!inUse.has(address)) pools.release(network.id, address)
  }
}

/** As the tunnels need to know a container of another host. */
export function peerOf(held: ClusterEndpoint): Peer {
  return { mac: held.mac, addresses: addressesOf(held), remote: held.address }
}

function addressesOf(held: ClusterEndpoint): string[] {
  return [held.ipv4, held.ipv6].filter((address) => address !== null)
}

/** A container of another host, as the index of names has containers. */
function asNamed(held: ClusterEndpoint, networkName: string): NamedContainer {
  const endpoint: EndpointRecord = {
    id: held.id,
    networkId: held.networkId,
    networkName,
    settings: {},
    ifname: null,
    hostLink: null,
    mac: held.mac,
    ipv4: held.ipv4,
    ipv6: held.ipv6,
    dnsNames: held.names,
    ports: [],
  }
  return { containerName: held.containerName, endpoints: [endpoint] }
}
