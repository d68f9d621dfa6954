import type { UserNamespace } from '#kernel/user-namespaces.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { PortMap } from '#spec/docker/host-config.ts'
import type { EndpointResource, EndpointSettings, Network, NetworkStatus } from '#spec/docker/network.ts'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import type { PortChange } from './port-changes.ts'

/** What a network is to its inspector: its definition and the containers that are attached to it now. */
export interface NetworkDetail extends Network {
  readonly Name: string
  readonly Id: string
  readonly Driver: string
  /** By container id: running containers only, as Docker. */
  readonly Containers: Readonly<Record<string, EndpointResource>>
  readonly Status: NetworkStatus
}

/** A network by its names. */
export interface NetworkIdentity {
  readonly id: string
  readonly name: string
  readonly driver: string
}

/** What is attached to the network stack of a container. */
export type NetworkMode =
  /** A namespace with nothing but loopback. */
  | { readonly kind: 'none' }
  /** The host's own namespace. */
  | { readonly kind: 'host' }
  /** The namespace of another container, which must have a sandbox. */
  | { readonly kind: 'container'; readonly containerId: string }
  /**
   * A namespace of its own, attached to these networks: by name or id ('default' and 'bridge' both name the default bridge), each with what the
   * user asked for (HostConfig.NetworkMode joined with NetworkingConfig.EndpointsConfig). `primary` names the one of HostConfig.NetworkMode.
   */
  | {
      readonly kind: 'networks'
      readonly primary: string
      readonly endpoints: Readonly<Record<string, EndpointSettings>>
    }

/** What a container asks of the network when it starts. */
export interface SandboxRequest {
  readonly containerId: string
  /** The container's name without a slash. */
  readonly containerName: string
  readonly mode: NetworkMode
  /** Config.Hostname ('' means the short id) and Config.Domainname. */
  readonly hostname: string
  readonly domainname: string
  /** HostConfig.Dns, DnsOptions, DnsSearch; empty means the daemon's or the host's. */
  readonly dns: {
    readonly servers: readonly string[]
    readonly options: readonly string[]
    readonly search: readonly string[]
  }
  /** HostConfig.ExtraHosts: `name:address` or `name=address`; the address `host-gateway` is replaced. */
  readonly extraHosts: readonly string[]
  /** HostConfig.PortBindings. */
  readonly portBindings: PortMap
  /** The keys of Config.ExposedPorts, `80/tcp`. */
  readonly exposedPorts: readonly string[]
  /** HostConfig.PublishAllPorts. */
  readonly publishAll: boolean
  /** HostConfig.Links, `container:alias` with the container's name or id as the user wrote it: for the default bridge only. */
  readonly links: readonly ContainerLink[]
  /** Config.Labels: those that begin with `wharf.network.` are for the network (`rates.ts`, `publishing.ts`). */
  readonly labels?: Readonly<Record<string, string>>
  /** Config.MacAddress of old clients; applies to the primary endpoint when that has none. */
  readonly macAddress?: string | null
  /** The user namespace that the network namespace belongs to; absent is the host's. */
  readonly owner?: UserNamespace | null
}

/** A link of the default bridge, the other container already resolved. */
export interface ContainerLink {
  readonly containerId: string
  readonly containerName: string
  readonly alias: string
}

/** The network stack of a container, as it stands. */
export interface Sandbox {
  /** The path of the namespace for the OCI specification (`linux.namespaces[type=network].path`); null: the host's. */
  readonly netnsPath: string | null
  /** NetworkSettings.SandboxID and SandboxKey. */
  readonly sandboxId: string
  readonly sandboxKey: string
  /** NetworkSettings.Networks: by network name, configuration and operational data merged. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>
  /** NetworkSettings.Ports: what is published, and exposed ports that are not (null). */
  readonly ports: PortMap
  /** The text of /etc/hosts and /etc/resolv.conf; null: use the other container's file (`container:` mode). */
  readonly hosts: string | null
  readonly resolvConf: string | null
}

/** Told of what happens to networks: the events of `docker events --filter type=network`. */
export interface NetworkEvents {
  network(event: {
    readonly action: 'create' | 'connect' | 'disconnect' | 'destroy' | 'prune'
    readonly id: string
    /** `name`, `type` (the driver) and, on connect and disconnect, `container`. */
    readonly attributes: Readonly<Record<string, string>>
  }): void
}

/** Networks as the API sees them. Errors are Docker's, in its words. */
export interface NetworkCatalog {
  /**
   * Makes a network, durably.
   * @throws ConflictError when the name is taken, PermissionDeniedError for a predefined name or overlapping pools, NotFoundError for an unknown driver,
   *   InvalidArgumentError for options that cannot be.
   */
  create(request: NetworkCreateRequest): Promise<{ readonly Id: string; readonly Warning: string }>
  /** All networks that pass the filters (driver, id, label, name, scope, type, dangling); `brief`: without who is attached, whose number costs time. @throws InvalidArgumentError for an unknown filter. */
  list(filters: Filters, options?: { readonly brief?: boolean }): readonly NetworkDetail[]
  /** One network by name, id or unique id prefix. @throws NotFoundError `network X not found`. */
  inspect(ref: string, options?: { readonly verbose?: boolean; readonly scope?: string }): NetworkDetail
  /** Names a network without the cost of describing it. @throws NotFoundError. */
  resolve(ref: string): NetworkIdentity
  /** Removes a network without active endpoints. @throws PermissionDeniedError when predefined or in use. */
  remove(ref: string): Promise<void>
  /** Removes all user-defined networks without endpoints that pass the filters (until, label, label!). */
  prune(filters: Filters): Promise<{ readonly NetworksDeleted: readonly string[] }>
}

/** Network stacks of containers. One container's calls are serialised; different containers go freely. */
export interface Sandboxes {
  /** Checks at `docker create` what can be checked without acquiring: addresses, ports, names. Networks that do not exist are no error yet. @throws InvalidArgumentError. */
  check(request: SandboxRequest): void
  /**
   * Makes the network stack of a container that is about to start: namespace, endpoints, addresses, published ports, DNS. On failure nothing remains.
   * @throws NotFoundError for an unknown network, PermissionDeniedError/ConflictError for an address in use, KernelError; for a port that is taken an
   *   error with Docker's `driver failed programming external connectivity on endpoint …: Bind for 0.0.0.0:80 failed: port is already allocated`.
   */
  sandbox(request: SandboxRequest): Promise<Sandbox>
  /** Gives back everything of a container that has ended. Idempotent; addresses and ports are free when it resolves, the namespace goes in the background. */
  release(containerId: string): Promise<void>
  /** The stack of a running container as it stands, or null. */
  describe(containerId: string): Sandbox | null
  /** Attaches a running container to one more network and returns its stack as it is then. Stopped containers: only record the settings. */
  connect(
    containerId: string,
    options: { readonly network: string; readonly endpoint: EndpointSettings },
  ): Promise<Sandbox>
  /** Detaches a running container. @throws PermissionDeniedError `container X is not connected to network Y`. */
  disconnect(
    containerId: string,
    options: { readonly network: string; readonly force: boolean },
  ): Promise<Sandbox>
  /**
   * Changes what a running container publishes, all or nothing, and records it together with what the caller records. Ports that stay are not touched.
   * @throws NotFoundError for a container without a stack of its own; an error with Docker's words for a port that is taken.
   */
  republish(containerId: string, change: PortChange): Promise<Sandbox>
  /** Follows `docker rename`: the embedded DNS answers to the new name. */
  rename(containerId: string, newName: string): void
  /** Called when links make the hosts file of a running container change (its owner rewrites the file in place). */
  onHostsChanged(listener: (containerId: string, hosts: string) => void): void
}

/** What the embedded DNS has answered since the daemon started, by where the answers came from. */
export interface DnsCounts {
  /** Names and addresses of containers. */
  readonly containers: number
  readonly cache: number
  readonly upstream: number
  /** Nobody knew: SERVFAIL. */
  readonly failed: number
}

/** All of networking: one per daemon. */
export interface Networks extends NetworkCatalog, Sandboxes {
  /**
   * After a start of the daemon: keeps the stacks of the containers that run, gives back those of all others, heals the firewall, serves DNS again.
   * New sandboxes may be asked for while it runs.
   */
  recover(runningContainerIds: ReadonlySet<string>): Promise<void>
  dnsCounts(): DnsCounts
  /** Stops serving (DNS sockets, timers); what containers use stays in the kernel. */
  close(): Promise<void>
}
