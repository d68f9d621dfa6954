/** A host whose daemon speaks to the store; the record ends with its lease. */
export interface ClusterHost {
  readonly id: string
  readonly name: string
  readonly address: string
}

/** A container's place in an overlay network, as other hosts need to know it. */
export interface ClusterEndpoint {
  readonly id: string
  readonly networkId: string
  readonly hostId: string
  /** Where its host takes VXLAN packets. */
  readonly address: string
  readonly containerId: string
  readonly containerName: string
  readonly mac: string
  readonly ipv4: string
  readonly ipv6: string | null
  readonly names: readonly string[]
}

/** Something that a key of the store says. */
export type ClusterEntry =
  | { readonly kind: 'network'; readonly id: string }
  | { readonly kind: 'host'; readonly id: string }
  | { readonly kind: 'endpoint'; readonly networkId: string; readonly id: string }
  /** What only transactions look at. */
  | { readonly kind: 'other' }

/** The keys of a cluster. */
export class ClusterKeys {
  readonly prefix: string

  /** @param prefix ends in a slash */
  constructor(prefix: string) {
    this.prefix = prefix
  }

  get networks(): string {
    return `${this.prefix}networks/`
  }

  /** Changes with every new network: who plans one compares it. */
  get generation(): string {
    return `${this.prefix}generation`
  }

  network(id: string): string {
    return `${this.networks}${id}`
  }

  host(id: string): string {
    return `${this.prefix}hosts/${id}`
  }

  endpoint(networkId: string, id: string): string {
    return `${this.prefix}endpoints/${networkId}/${id}`
  }

  /** Holds the id of the endpoint that has the address; what starts so are all addresses of a network. */
  address(networkId: string, address = ''): string {
    return `${this.prefix}addresses/${networkId}/${address}`
  }

  parse(key: string): ClusterEntry {
    const [kind, ...ids] = key.slice(this.prefix.length).split('/')
    const [first = '', second = ''] = ids
    if (kind === 'networks') return { kind: 'network', id: first }
    if (kind === 'hosts') return { kind: 'host', id: first }
    if (kind === 'endpoints') return { kind: 'endpoint', networkId: first, id: second }
    return { kind: 'other' }
  }
}
