import { AddressPool } from './address-pool.ts'
import { contains, parseAddress, parseCidr } from './cidr.ts'
import type { NetworkRecord, PoolRecord } from './records.ts'

/** Which addresses of which network are taken: built from the records at start, kept in step with them afterwards. */
export class Pools {
  readonly #byNetwork = new Map<
    string,
    readonly { readonly record: PoolRecord; readonly pool: AddressPool }[]
  >()

  add(network: NetworkRecord): void {
    const pools = network.pools.map((record) => {
      const { subnet } = parseCidr(record.subnet)
      const pool = new AddressPool(subnet, {
        range: record.range === null ? null : parseCidr(record.range).subnet,
      })
      if (record.gateway !== null) pool.reserve(record.gateway)
      for (const address of Object.values(record.aux)) pool.reserve(address)
      return { record, pool }
    })
    this.#byNetwork.set(network.id, pools)
  }

  remove(networkId: string): void {
    this.#byNetwork.delete(networkId)
  }

  /** A free address, or null when the family has none left or the network none of this family. */
  allocate(networkId: string, family: 4 | 6): string | null {
    for (const { record, pool } of this.#byNetwork.get(networkId) ?? []) {
      const address = record.family === family ? pool.allocate() : null
      if (address !== null) return address
    }
    return null
  }

  /** Takes exactly this address: 'outside' when no subnet of the network holds it. */
  reserve(networkId: string, address: string): 'reserved' | 'taken' | 'outside' {
    const pool = this.#poolOf(networkId, address)
    if (pool === null) return 'outside'
    return pool.reserve(address) ? 'reserved' : 'taken'
  }

  release(networkId: string, address: string): void {
    this.#poolOf(networkId, address)?.release(address)
  }

  status(networkId: string): Record<string, { IPsInUse: number; DynamicIPsAvailable: number }> {
    const status: Record<string, { IPsInUse: number; DynamicIPsAvailable: number }> = {}
    for (const { record, pool } of this.#byNetwork.get(networkId) ?? []) {
      const { inUse, available } = pool.status()
      status[record.subnet] = { IPsInUse: inUse, DynamicIPsAvailable: Number(available) }
    }
    return status
  }

  #poolOf(networkId: string, address: string): AddressPool | null {
    const parsed = parseAddress(address)
    return this.#byNetwork.get(networkId)?.find(({ pool }) => contains(pool.subnet, parsed))?.pool ?? null
  }
}
