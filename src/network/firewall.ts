import type { PublishedPort } from './port-spec.ts'

/** What the firewall is to know of a bridge network. */
export interface BridgeRules {
  readonly bridge: string
  readonly subnets: readonly string[]
  /** The families in which containers reach other hosts with the host's address. */
  readonly masquerade: readonly (4 | 6)[]
  /** The addresses of the host that stand for it instead of those of the link that a packet leaves by. */
  readonly source: Readonly<Record<4 | 6, string | null>>
  readonly internal: boolean
  /** From elsewhere, by IPv4 and by IPv6: published ports through NAT only; every port; published ports at the container's own address. */
  readonly access: Readonly<Record<4 | 6, 'nat' | 'open' | 'routed'>>
}

/** Published ports of one endpoint. */
export interface PortRules {
  readonly ipv4: string | null
  readonly ipv6: string | null
  readonly ports: readonly PublishedPort[]
  /** Without NAT: others reach the container's own address at these ports. */
  readonly routed: Readonly<Record<4 | 6, boolean>>
  /** Links of the host from which published ports may be reached at the container's own address, besides by NAT. */
  readonly trusted: readonly string[]
}

/**
 * The firewall of one daemon: what passes between its bridges, the host and others. Its owner declares networks and ports; what is declared before
 * `install` and quietly is only noted. Rules of its own are all it touches: several daemons and other software live side by side.
 */
export interface Firewall extends Disposable {
  /** Puts all that is declared in force. Containers' connections go on meanwhile. @throws UnavailableError with the tool's own words. */
  install(): Promise<void>
  /** Installs again what somebody took away or changed; cheap when nothing was. Returns whether it had to. */
  heal(): Promise<boolean>
  /** Takes everything away, but for rules of the administrator. */
  uninstall(): Promise<void>
  /** Declares a network. */
  addBridge(rules: BridgeRules, options?: { readonly quiet?: boolean }): void
  removeBridge(bridge: string): void
  /** Publishes the ports of an endpoint, all or none. */
  publish(endpointId: string, rules: PortRules, options?: { readonly quiet?: boolean }): void
  /** Makes these the ports of an endpoint, as one step: those that stay are open all the time. */
  republish(endpointId: string, rules: PortRules): void
  unpublish(endpointId: string): void
  /** Resolves when all that was declared is in force. @throws UnavailableError when it was refused. */
  settled(): Promise<void>
}
