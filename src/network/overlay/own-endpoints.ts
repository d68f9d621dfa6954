import type { Logger } from '#base/logger.ts'
import { ConflictError, messageOf, NotFoundError, PermissionDeniedError } from '#errors/errors.ts'
import type { NetworkStore } from '../network-store.ts'
import type { EndpointRecord, SandboxRecord } from '../records.ts'
import type { ClusterMirror } from './cluster-mirror.ts'
import type { ClusterEndpoint, ClusterHost, ClusterKeys } from './cluster-records.ts'
import type { Compare, Etcd, Operation } from './etcd.ts'

/** What it is made of. */
export interface OwnEndpointsParts {
  readonly etcd: Etcd
  readonly keys: ClusterKeys
  readonly mirror: ClusterMirror
  readonly store: NetworkStore
  readonly log: Logger
  readonly host: () => ClusterHost
  /** Another endpoint has got the address while this host was away: the container must not use it any more. */
  readonly fence: (containerId: string, networkId: string) => Promise<void>
  /** Puts a network back that containers here are in and the store has lost. */
  readonly restore: (networkId: string) => Promise<void>
}

/** Who has an address that was asked for, when it is somebody else. */
export interface AddressConflict {
  readonly address: string
  /** From this revision of the store on. */
  readonly revision: number
}

/**
 * The records in the store of this host's endpoints. An endpoint and its addresses are written in one transaction, which fails when one of the addresses is
 * taken; they are durable: containers outlive their daemon. The local records are the truth: `settle` puts right what differs.
 */
export class OwnEndpoints {
  readonly #parts: OwnEndpointsParts
  /** Being claimed, with their networks: in the store, not yet recorded here. */
  readonly #claiming = new Map<string, string>()
  readonly #removing = new Map<string, Promise<void>>()
  #settling: Promise<void> = Promise.resolve()

  constructor(parts: OwnEndpointsParts) {
    this.#parts = parts
  }

  /**
   * Writes an endpoint; the first of its addresses that somebody else has, or null.
   * @throws NotFoundError when the network is gone; UnavailableError.
   */
  async claim(
    endpoint: EndpointRecord,
    owner: { readonly containerId: string; readonly containerName: string },
  ): Promise<AddressConflict | null> {
    this.#claiming.set(endpoint.id, endpoint.networkId)
    let conflict: AddressConflict | null = null
    try {
      conflict = await this.#put(this.#describe(endpoint, owner), { expect: 0 })
      return conflict
    } catch (error) {
      // It may have been written all the same.
      this.#claiming.delete(endpoint.id)
      this.remove(endpoint)
      throw error
    } finally {
      if (conflict !== null) this.#claiming.delete(endpoint.id)
    }
  }

  /** Takes an endpoint out of the store, in the background; when the store does not answer, `settle` does it later. */
  remove(endpoint: Pick<EndpointRecord, 'id' | 'networkId' | 'ipv4' | 'ipv6'>): void {
    this.#claiming.delete(endpoint.id)
    const done = this.#delete(endpoint)
      .catch((error: unknown) =>
        this.#parts.log.warn('cannot give an address back to the cluster yet', {
          network: endpoint.networkId,
          address: endpoint.ipv4,
          reason: messageOf(error),
        }),
      )
      .finally(() => this.#removing.delete(endpoint.id))
    this.#removing.set(endpoint.id, done)
  }

  /** True while a container is about to be in the network. */
  isClaiming(networkId: string): boolean {
    return [...this.#claiming.values()].includes(networkId)
  }

  /** Resolves when what was to be removed so far is removed, or could not be. */
  async removed(): Promise<void> {
    await Promise.all(this.#removing.values())
  }

  /** Makes the store hold exactly this host's endpoints, one call after the other. @throws UnavailableError. */
  async settle(): Promise<void> {
    const before = this.#settling
    this.#settling = before.catch(() => {}).then(() => this.#settle()) // The first caller was told.
    await this.#settling
  }

  async #settle(): Promise<void> {
    const { mirror, log } = this.#parts
    const own = this.#own()
    const { id: hostId } = this.#parts.host()
    for (const held of [...mirror.endpoints()]) {
      const isMine = held.hostId === hostId && !this.#claiming.has(held.id) && !this.#removing.has(held.id)
      if (isMine && !own.has(held.id)) await this.#delete(held)
    }
    for (const [id, { sandbox, endpoint }] of own) {
      this.#claiming.delete(id)
      const wanted = this.#describe(endpoint, sandbox)
      const held = mirror.endpointsOf(endpoint.networkId).get(id)
      if (JSON.stringify(held) === JSON.stringify(wanted)) continue
      const lost = await this.#keep(wanted, mirror.revisionOf(endpoint))
      if (lost === null || !this.#own().has(id)) continue
      log.error(
        'a container lost its place in an overlay network while this host was away: it is disconnected',
        {
          container: sandbox.containerId,
          network: endpoint.networkName,
          reason: lost,
        },
      )
      await this.#parts.fence(sandbox.containerId, endpoint.networkId)
    }
  }

  /** Why an endpoint cannot be in the store again, or null. */
  async #keep(wanted: ClusterEndpoint, revision: number): Promise<string | null> {
    try {
      if (!this.#parts.mirror.networks.has(wanted.networkId)) await this.#parts.restore(wanted.networkId)
      const conflict = await this.#put(wanted, { expect: revision })
      return conflict === null ? null : `${conflict.address} was given to another container`
    } catch (error) {
      if (
        error instanceof ConflictError ||
        error instanceof PermissionDeniedError ||
        error instanceof NotFoundError
      )
        return error.message
      throw error
    }
  }

  /** Endpoints in overlay networks, by id. */
  #own(): Map<string, { readonly sandbox: SandboxRecord; readonly endpoint: EndpointRecord }> {
    const { store } = this.#parts
    const own = new Map<string, { sandbox: SandboxRecord; endpoint: EndpointRecord }>()
    for (const sandbox of store.sandboxes()) {
      for (const endpoint of sandbox.endpoints) {
        if (store.network(endpoint.networkId)?.driver === 'overlay')
          own.set(endpoint.id, { sandbox, endpoint })
      }
    }
    return own
  }

  /** @param options.expect the revision of the record that is replaced; 0: there is none. */
  async #put(wanted: ClusterEndpoint, options: { readonly expect: number }): Promise<AddressConflict | null> {
    const { etcd, keys } = this.#parts
    const addresses = addressesOf(wanted)
    const network: Compare = {
      key: keys.network(wanted.networkId),
      target: 'CREATE',
      result: 'GREATER',
      revision: 0,
    }
    const record = keys.endpoint(wanted.networkId, wanted.id)
    const put: Operation = { put: record, value: JSON.stringify(wanted) }
    if (options.expect > 0) {
      // Its addresses are its own: only names or the host's address have changed. Whoever changed it meanwhile is told of, and it is looked at again.
      await etcd.transact({
        when: [network, { key: record, target: 'MOD', result: 'EQUAL', revision: options.expect }],
        then: [put],
      })
      return null
    }
    const value = JSON.stringify(wanted.id)
    const outcome = await etcd.transact({
      when: [
        network,
        ...addresses.map((address): Compare => ({
          key: keys.address(wanted.networkId, address),
          target: 'CREATE',
          result: 'EQUAL',
          revision: 0,
        })),
      ],
      then: [...addresses.map((address) => ({ put: keys.address(wanted.networkId, address), value })), put],
      otherwise: [
        { get: keys.network(wanted.networkId) },
        ...addresses.map((address) => ({ get: keys.address(wanted.networkId, address) })),
      ],
    })
    if (outcome.succeeded) return null
    const [networks = [], ...holders] = outcome.found
    if (networks.length === 0) throw new NotFoundError(`network ${wanted.networkId} not found`)
    for (const [index, [holder]] of holders.entries()) {
      // Our own: an earlier attempt, whose answer was lost.
      if (holder !== undefined && holder.value !== value)
        return { address: addresses[index] ?? '', revision: holder.modRevision }
    }
    return null
  }

  async #delete(endpoint: Pick<EndpointRecord, 'id' | 'networkId' | 'ipv4' | 'ipv6'>): Promise<void> {
    await deleteEndpoint(this.#parts.etcd, this.#parts.keys, { endpoint, when: [] })
  }

  #describe(
    endpoint: EndpointRecord,
    owner: { readonly containerId: string; readonly containerName: string },
  ): ClusterEndpoint {
    const { ipv4, mac } = endpoint
    if (ipv4 === null || mac === null)
      throw new PermissionDeniedError('an endpoint of an overlay network needs an IPv4 address')
    const { id, address } = this.#parts.host()
    return {
      id: endpoint.id,
      networkId: endpoint.networkId,
      hostId: id,
      address,
      containerId: owner.containerId,
      containerName: owner.containerName,
      mac,
      ipv4,
      ipv6: endpoint.ipv6,
      names: endpoint.dnsNames,
    }
  }
}

/** Deletes an endpoint with its addresses if it is there and the conditions hold; true when it did. */
export async function deleteEndpoint(
  etcd: Etcd,
  keys: ClusterKeys,
  options: {
    readonly endpoint: Pick<EndpointRecord, 'id' | 'networkId' | 'ipv4' | 'ipv6'>
    readonly when: readonly Compare[]
  },
): Promise<boolean> {
  const { endpoint, when } = options
  const record = keys.endpoint(endpoint.networkId, endpoint.id)
  // While the record is there, the addresses are its own.
  const { succeeded } = await etcd.transact({
    when: [{ key: record, target: 'CREATE', result: 'GREATER', revision: 0 }, ...when],
    then: [
      { delete: record },
      ...addressesOf(endpoint).map((address) => ({ delete: keys.address(endpoint.networkId, address) })),
    ],
  })
  return succeeded
}

function addressesOf(endpoint: { readonly ipv4: string | null; readonly ipv6: string | null }): string[] {
  return [endpoint.ipv4, endpoint.ipv6].filter((address) => address !== null)
}
