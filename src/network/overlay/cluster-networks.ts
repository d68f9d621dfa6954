import { failpoint } from '#base/failpoint.ts'
import { ConflictError, PermissionDeniedError } from '#errors/errors.ts'
import { overlaps, parseCidr } from '../cidr.ts'
import type { NetworkRecord } from '../records.ts'
import type { ClusterMirror } from './cluster-mirror.ts'
import type { ClusterKeys } from './cluster-records.ts'
import type { Compare, Etcd } from './etcd.ts'
import { parseOverlayOptions, VNI_OPTION } from './overlay-options.ts'

/** The first identifier that is chosen: those below are left to administrators. */
const FIRST_VNI = 4096

/** Networks of the cluster in the store: name, subnets and VXLAN identifiers are of one network only. */
export class ClusterNetworks {
  readonly #etcd: Etcd
  readonly #keys: ClusterKeys
  readonly #mirror: ClusterMirror

  constructor(parts: { readonly etcd: Etcd; readonly keys: ClusterKeys; readonly mirror: ClusterMirror }) {
    this.#etcd = parts.etcd
    this.#keys = parts.keys
    this.#mirror = parts.mirror
  }

  /**
   * Makes the network with this id known to all hosts. `plan` is called with all networks that there are, again when another host made one meanwhile.
   * @throws ConflictError for a name that is taken, PermissionDeniedError for an overlap, UnavailableError, what `plan` throws.
   */
  async publish(
    id: string,
    plan: (others: readonly NetworkRecord[]) => NetworkRecord,
  ): Promise<NetworkRecord> {
    const { generation, networks } = this.#keys
    for (;;) {
      const { found } = await this.#etcd.transact({
        when: [],
        then: [{ get: generation }, { get: networks, prefix: true }],
      })
      const [seen = [], entries = []] = found
      const others = entries.map(({ value }) => JSON.parse(value) as NetworkRecord)
      const already = others.find((other) => other.id === id)
      // An earlier attempt, whose answer was lost.
      if (already !== undefined) return already
      const network = withIdentifiers(plan(others), others)
      refuseClashes(network, others)
      const unchanged: Compare = {
        key: generation,
        target: 'MOD',
        result: 'EQUAL',
        revision: seen[0]?.modRevision ?? 0,
      }
      const { succeeded } = await this.#etcd.transact({
        when: [unchanged],
        then: [
          { put: this.#keys.network(network.id), value: JSON.stringify(network) },
          { put: generation, value: JSON.stringify(network.id) },
        ],
      })
      await failpoint('network.overlay.published')
      if (succeeded) return network
    }
  }

  /** Forgets a network without endpoints; false when there are some. @throws UnavailableError. */
  async unpublish(networkId: string): Promise<boolean> {
    const { succeeded } = await this.#etcd.transact({
      when: [
        { key: this.#keys.address(networkId), prefix: true, target: 'CREATE', result: 'EQUAL', revision: 0 },
      ],
      then: [{ delete: this.#keys.network(networkId) }],
    })
    return succeeded
  }

  /** Puts a network back that this host has and the store does not. @throws ConflictError, PermissionDeniedError when something of it is taken now. */
  async restore(network: NetworkRecord): Promise<void> {
    if (this.#mirror.networks.has(network.id)) return
    await this.publish(network.id, () => network)
  }
}

function withIdentifiers(network: NetworkRecord, others: readonly NetworkRecord[]): NetworkRecord {
  if (parseOverlayOptions(network.options).vnis.length > 0) return network
  const taken = new Set(others.flatMap((other) => parseOverlayOptions(other.options).vnis))
  let vni = FIRST_VNI
  while (taken.has(vni)) vni++
  return { ...network, options: { ...network.options, [VNI_OPTION]: String(vni) } }
}

function refuseClashes(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const { vnis } = parseOverlayOptions(network.options)
  const subnets = network.pools.map((pool) => parseCidr(pool.subnet).subnet)
  for (const other of others) {
    if (other.name === network.name)
      throw new ConflictError(`network with name ${network.name} already exists`)
    const clash = parseOverlayOptions(other.options).vnis.find((vni) => vnis.includes(vni))
    if (clash !== undefined)
      throw new PermissionDeniedError(
        `VXLAN identifier ${String(clash)} is in use by the network ${other.name}`,
      )
    if (
      other.pools.some((pool) => subnets.some((subnet) => overlaps(subnet, parseCidr(pool.subnet).subnet)))
    ) {
      throw new PermissionDeniedError(
        'invalid pool request: Pool overlaps with other one on this address space',
      )
    }
  }
}
