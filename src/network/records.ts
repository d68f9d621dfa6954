import type { EndpointSettings } from '#spec/docker/network.ts'
import type { SandboxRequest } from './networks.ts'
import type { Rates } from './rates.ts'
import type { PublishedPort } from './port-spec.ts'

/** The drivers there are; `null` is Docker's name for "none", `plugin` any network plugin (`NetworkRecord.plugin` names it). */
export type DriverName = 'bridge' | 'host' | 'null' | 'macvlan' | 'ipvlan' | 'overlay' | 'plugin' | 'cni'

/** One subnet of a network. */
export interface PoolRecord {
  readonly family: 4 | 6
  /** `172.18.0.0/16`. */
  readonly subnet: string
  /** Where dynamic addresses come from. */
  readonly range: string | null
  readonly gateway: string | null
  /** The user gave the subnet and left the gateway to us: inspection shows what the user gave, as dockerd does. */
  readonly hidesGateway?: boolean
  /** Addresses that containers do not get, by name. */
  readonly aux: Readonly<Record<string, string>>
  /** The name that an IPAM plugin gave it. */
  readonly poolId?: string
}

/** What is recorded of a network: everything needed to make it again. */
export interface NetworkRecord {
  readonly id: string
  readonly name: string
  readonly driver: DriverName
  /** Its plugin has not made it yet. */
  readonly isUnfinished?: boolean
  /** The network plugin behind the driver `plugin`. */
  readonly plugin?: string
  /** The configuration of the driver `cni`, as it was when the network was made. */
  readonly cniConfig?: string
  readonly created: string
  readonly enableIPv4: boolean
  readonly enableIPv6: boolean
  readonly internal: boolean
  readonly attachable: boolean
  readonly ingress: boolean
  readonly configOnly: boolean
  readonly configFrom: string
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly ipamDriver: string
  readonly ipamOptions: Readonly<Record<string, string>> | null
  readonly pools: readonly PoolRecord[]
  /** The link that the network made or uses on the host: the bridge, the parent of macvlan and ipvlan; null when there is none. */
  readonly link: string | null
  /** The link was made for the network and goes with it. */
  readonly ownsLink: boolean
}

/** What another program than Wharf made of an endpoint: a network plugin, or CNI plugins. */
export interface ForeignEndpoint {
  /** A link on the host that is to be moved inside; null: the program put it there itself. */
  readonly link: string | null
  /** Where its default routes lead. */
  readonly gateways: Readonly<Record<4 | 6, string | null>>
  readonly prefixes: Readonly<Record<4 | 6, number>>
  readonly routes: readonly { readonly destination: string; readonly via: string | null }[]
}

/** A container's place in a network. */
export interface EndpointRecord {
  readonly id: string
  readonly networkId: string
  readonly networkName: string
  /** What the user asked for. */
  readonly settings: EndpointSettings
  /** The name inside the container (eth0) and on the host (veth…); null where there is no link. */
  readonly ifname: string | null
  readonly hostLink: string | null
  readonly mac: string | null
  readonly ipv4: string | null
  readonly ipv6: string | null
  /** Names that the embedded DNS answers to, besides `<name>.<network>`. */
  readonly dnsNames: readonly string[]
  readonly ports: readonly PublishedPort[]
  /** Made for the way out of an overlay network: the user did not ask for it and is not told of it. */
  readonly isGateway?: true
  readonly foreign?: ForeignEndpoint
  /** Limits of how fast it sends and receives; absent: none. */
  readonly rates?: Rates
}

/** The network stack of a container: recorded before anything of it is acquired, forgotten after all of it is released. */
export interface SandboxRecord {
  readonly containerId: string
  readonly containerName: string
  readonly sandboxId: string
  readonly request: SandboxRequest
  /** The namespace, when it is our own. */
  readonly netnsPath: string | null
  readonly endpoints: readonly EndpointRecord[]
}
