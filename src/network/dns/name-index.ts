import type { EndpointRecord } from '../records.ts'

/** A container in a network, found by name or address. */
export interface NamedEndpoint {
  readonly containerName: string
  readonly endpoint: EndpointRecord
}

/** A container as names know it: one of this host, or of another in the same overlay network. */
export interface NamedContainer {
  readonly containerName: string
  readonly endpoints: readonly EndpointRecord[]
}

/** Who has which name and which address in which network: look-ups cost the same however many containers there are. */
export class NameIndex {
  readonly #byName = new Map<string, Set<NamedEndpoint>>()
  readonly #byAddress = new Map<string, NamedEndpoint>()
  readonly #entries = new Map<string, NamedEndpoint>()

  add(record: NamedContainer): void {
    for (const endpoint of record.endpoints) {
      const entry = { containerName: record.containerName, endpoint }
      this.#entries.set(endpoint.id, entry)
      for (const name of endpoint.dnsNames) {
        const key = keyOf(endpoint.networkId, name)
        this.#byName.set(key, (this.#byName.get(key) ?? new Set()).add(entry))
      }
      for (const address of [endpoint.ipv4, endpoint.ipv6]) {
        if (address !== null) this.#byAddress.set(keyOf(endpoint.networkId, address), entry)
      }
    }
  }

  remove(record: NamedContainer): void {
    for (const endpoint of record.endpoints) {
      const entry = this.#entries.get(endpoint.id)
      if (entry === undefined) continue
      this.#entries.delete(endpoint.id)
      for (const name of endpoint.dnsNames) {
        const key = keyOf(endpoint.networkId, name)
        const entries = this.#byName.get(key)
        entries?.delete(entry)
        if (entries?.size === 0) this.#byName.delete(key)
      }
      for (const address of [endpoint.ipv4, endpoint.ipv6]) {
        if (address !== null) this.#byAddress.delete(keyOf(endpoint.networkId, address))
      }
    }
  }

  /** All that answer to the name in the network; letter case does not count. */
  byName(networkId: string, name: string): readonly NamedEndpoint[] {
    return [...(this.#byName.get(keyOf(networkId, name)) ?? [])]
  }

  byAddress(networkId: string, address: string): NamedEndpoint | null {
    return this.#byAddress.get(keyOf(networkId, address)) ?? null
  }
}

function keyOf(networkId: string, name: string): string {
  return `${networkId}/${name.toLowerCase()}`
}
