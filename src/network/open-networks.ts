import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '#base/logger.ts'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { removeNetns } from '#kernel/netns.ts'
import type { Plugins } from '#plugins/plugins.ts'
import type { Database } from '#store/database.ts'
import { Catalog } from './catalog.ts'
import type { NetworkDefaults } from './catalog.ts'
import { formatAddress, parseAddress } from './cidr.ts'
import { EmbeddedDns } from './dns/embedded-dns.ts'
import type { ResolverConfig } from './etc-files.ts'
import { Foreign } from './foreign/foreign.ts'
import type { Firewall } from './firewall.ts'
import { openFirewall, replaceOtherBackend } from './open-firewall.ts'
import type { FirewallBackend, FirewallOptions } from './open-firewall.ts'
import { HostPorts } from './host-ports.ts'
import { NetworkDrivers } from './network-drivers.ts'
import { NetworkStore } from './network-store.ts'
import type { NetworkEvents, Networks } from './networks.ts'
import { Overlay } from './overlay/overlay.ts'
import type { ClusterMembership } from './overlay/overlay.ts'
import { PortProxy } from './port-proxy.ts'
import { Pools } from './pools.ts'
import { ensureDefaultBridge, ensurePlainNetworks } from './predefined.ts'
import type { DefaultBridgeOptions } from './predefined.ts'
import { portRules } from './publishing.ts'
import type { NetworkRecord } from './records.ts'
import { SandboxService } from './sandboxes.ts'
import type { ViewContext } from './sandbox-view.ts'
import { defaultAddressPools, uniqueLocalPool } from './subnet-chooser.ts'
import type { AddressPoolBase } from './subnet-chooser.ts'
import { sysctl } from './sysctl.ts'

/** The way out for containers of overlay networks; named as Docker's, whose tools know it. */
const GATEWAY_NETWORK = 'docker_gwbridge'
/** How often the firewall's generation is looked at: one netlink message. */
const HEAL_INTERVAL_MS = 1000

/** What networking needs to know and to have. Names in quotes are dockerd's flags and keys of daemon.json. */
export interface NetworksOptions {
  readonly database: Database
  readonly execRoot: string
  readonly log: Logger
  readonly events: NetworkEvents
  /** `bridge`, `bip`, `fixed-cidr`, `ipv6`, `bip6`, `fixed-cidr-v6`, `mtu`, `icc`, `ip-masq`, `ip`. A bridge named `none`: there is no default bridge. */
  readonly defaultBridge: DefaultBridgeOptions
  /** `default-address-pools`; null: Docker's own. */
  readonly addressPools: readonly AddressPoolBase[] | null
  /** `default-network-opts`: options of new networks by driver. */
  readonly networkDefaults?: NetworkDefaults
  /** `dns`, `dns-search`, `dns-opts`. */
  readonly dns: ResolverConfig
  /** `host-gateway-ip`. */
  readonly hostGatewayIp: string | null
  /** `ip-forward`: turn forwarding on in the kernel. */
  readonly ipForward: boolean
  /** For network and IPAM plugins; absent: there are none. */
  readonly plugins?: Plugins
  /** `firewall-backend`. */
  readonly firewallBackend?: FirewallBackend
  /** `iptables`: rules for IPv4. Without, the daemon serves published ports, and nothing is kept apart. */
  readonly iptables?: boolean
  /** `allow-direct-routing`: other hosts reach published ports at the containers' own addresses. */
  readonly allowDirectRouting?: boolean
  /** `ip6tables`: rules for IPv6. Without, ports at IPv6 addresses are served by the daemon, and nothing is kept apart. */
  readonly ip6tables?: boolean
  /** `userland-proxy`: serve published ports where the firewall cannot (IPv6 to a container without IPv6). */
  readonly userlandProxy: boolean
  /** `cluster-store` and its kin; absent: there are no overlay networks. */
  readonly cluster?: ClusterMembership | null
}

/**
 * Opens networking: the records at once, bridges and firewall in the background (what needs them waits).
 * @throws InvalidArgumentError for flags that cannot be.
 */
export function openNetworks(options: NetworksOptions): Networks {
  return new OpenNetworks(options)
}

class OpenNetworks implements Networks {
  readonly #options: NetworksOptions
  readonly #store: NetworkStore
  readonly #netlink = new Rtnetlink()
  readonly #foreign: Foreign
  readonly #firewallOptions: FirewallOptions
  readonly #firewall: Firewall
  readonly #drivers: NetworkDrivers
  readonly #hostPorts: HostPorts
  readonly #pools = new Pools()
  readonly #dns: EmbeddedDns
  readonly #proxy: PortProxy
  readonly #catalog: Catalog
  readonly #overlay: Overlay
  readonly #sandboxes: SandboxService
  readonly #timer: NodeJS.Timeout
  #ready: Promise<void>
  #gateway: Promise<NetworkRecord> | null = null

  constructor(options: NetworksOptions) {
    this.#options = options
    const { log, events, execRoot } = options
    const { bridge } = options.defaultBridge
    const serves = (hostIp: string): boolean =>
      options.userlandProxy && (hostIp.includes(':') || options.iptables === false)
    this.#hostPorts = new HostPorts({ serves })
    this.#store = new NetworkStore(options.database)
    const tag = (bridge === 'none' ? execRoot : bridge).replaceAll(/[^A-Za-z0-9_]/g, '_')
    const families = ([4, 6] as const).filter(
      (family) => options[family === 4 ? 'iptables' : 'ip6tables'] !== false,
    )
    const backend = families.length === 0 ? 'none' : (options.firewallBackend ?? 'nftables')
    this.#firewallOptions = {
      backend,
      tag,
      execRoot,
      log,
      families,
      directRouting: options.allowDirectRouting === true,
    }
    this.#firewall = openFirewall(this.#firewallOptions)
    this.#overlay = new Overlay({
      ...{
        database: options.database,
        store: this.#store,
        pools: this.#pools,
        netlink: this.#netlink,
        execRoot,
        log,
      },
      cluster: options.cluster ?? null,
      disconnect: async (containerId, network) => {
        await this.#sandboxes.disconnect(containerId, { network, force: true })
      },
    })
    this.#drivers = new NetworkDrivers(this.#netlink, this.#firewall, {
      host: { forward: options.ipForward, tag, filtersIPv4: options.iptables !== false },
      overlay: this.#overlay.driver,
    })
    this.#foreign = new Foreign({
      plugins: options.plugins ?? null,
      database: options.database,
      netlink: this.#netlink,
      log,
    })
    const ready = (): Promise<void> => this.#ready
    const context: ViewContext = {
      networkOf: (id) => this.#store.network(id),
      sandboxOf: (containerId) => this.#store.sandbox(containerId),
      dns: options.dns,
      hostGateway: () => this.#hostGateway(),
    }
    this.#dns = new EmbeddedDns({ store: this.#store, context, log })
    this.#proxy = new PortProxy({ hostPorts: this.#hostPorts, enabled: options.userlandProxy, serves, log })
    const addressPools = [...(options.addressPools ?? defaultAddressPools)]
    if (!addressPools.some((pool) => pool.base.includes(':'))) addressPools.push(uniqueLocalPool(execRoot))
    const shared = {
      ...{ store: this.#store, pools: this.#pools, drivers: this.#drivers, events, log, ready },
      overlay: this.#overlay,
      foreign: this.#foreign,
    }
    this.#catalog = new Catalog({
      ...{ ...shared, netlink: this.#netlink, addressPools },
      networkDefaults: options.networkDefaults ?? {},
    })
    this.#sandboxes = new SandboxService({
      ...shared,
      execRoot,
      hostPorts: this.#hostPorts,
      firewall: this.#firewall,
      nameServers: this.#dns,
      proxies: this.#proxy,
      context,
      resolve: (ref) => this.#catalog.find(ref),
      gatewayNetwork: () => this.#gatewayNetwork(),
    })
    this.#loadRecords()
    this.#ready = this.#stand()
    // Told to whoever asks for a sandbox; nobody may ask.
    this.#ready.catch((error: unknown) =>
      log.error('cannot bring up networking', { reason: messageOf(error) }),
    )
    this.#timer = setInterval(() => void this.#heal(), HEAL_INTERVAL_MS).unref()
  }

  create: Networks['create'] = (request) => this.#catalog.create(request)
  list: Networks['list'] = (filters, options) => this.#catalog.list(filters, options)
  inspect: Networks['inspect'] = (ref, options) => this.#catalog.inspect(ref, options)
  resolve: Networks['resolve'] = (ref) => this.#catalog.resolve(ref)
  remove: Networks['remove'] = (ref) => this.#catalog.remove(ref)
  prune: Networks['prune'] = (filters) => this.#catalog.prune(filters)
  check: Networks['check'] = (request) => this.#sandboxes.check(request)
  sandbox: Networks['sandbox'] = (request) => this.#sandboxes.sandbox(request)
  release: Networks['release'] = (containerId) => this.#sandboxes.release(containerId)
  describe: Networks['describe'] = (containerId) => this.#sandboxes.describe(containerId)
  connect: Networks['connect'] = (containerId, options) => this.#sandboxes.connect(containerId, options)
  disconnect: Networks['disconnect'] = (containerId, options) =>
    this.#sandboxes.disconnect(containerId, options)
  republish: Networks['republish'] = (containerId, change) => this.#sandboxes.republish(containerId, change)
  rename: Networks['rename'] = (containerId, newName) => this.#sandboxes.rename(containerId, newName)
  dnsCounts: Networks['dnsCounts'] = () => this.#dns.counts()
  onHostsChanged: Networks['onHostsChanged'] = (listener) => this.#sandboxes.onHostsChanged(listener)

  async recover(runningContainerIds: ReadonlySet<string>): Promise<void> {
    await this.#ready
    for (const record of [...this.#store.sandboxes()]) {
      if (runningContainerIds.has(record.containerId)) this.#sandboxes.adopt(record)
      else await this.#sandboxes.release(record.containerId)
      // One container a turn: requests are served meanwhile.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#sweepNamespaces()
    const endpoints = [...this.#store.sandboxes()].flatMap((record) => record.endpoints)
    await this.#foreign.recover([...this.#store.networks()], endpoints)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#dns.closeAll()
    this.#proxy.closeAll()
    this.#hostPorts.close()
    await this.#ready.catch(() => {}) // Was logged when it happened.
    await this.#overlay.close()
    const inUse = [...this.#store.sandboxes()].length > 0
    if (!inUse) await this.#takeDown()
    this.#firewall[Symbol.dispose]()
    this.#netlink[Symbol.dispose]()
  }

  /** Records to memory: addresses that were taken stay taken. */
  #loadRecords(): void {
    const { log, defaultBridge } = this.#options
    ensurePlainNetworks(this.#store)
    for (const network of [...this.#store.networks()]) {
      if (network.isUnfinished === true) this.#store.deleteNetwork(network.id)
    }
    const before = this.#store.networkByName('bridge')
    if (defaultBridge.bridge === 'none') {
      if (before !== null) this.#store.deleteNetwork(before.id)
    } else {
      const context = (): ReturnType<Catalog['ipamContext']> => this.#catalog.ipamContext()
      ensureDefaultBridge(this.#store, defaultBridge, { netlink: this.#netlink, context })
    }
    for (const network of this.#store.networks()) {
      if (!network.configOnly) this.#pools.add(network)
    }
    for (const { containerId, endpoints } of this.#store.sandboxes()) {
      for (const endpoint of endpoints) {
        for (const address of [endpoint.ipv4, endpoint.ipv6]) {
          if (address === null) continue
          const outcome = this.#pools.reserve(endpoint.networkId, address)
          if (outcome !== 'reserved' && endpoint.foreign === undefined)
            log.warn('an address of a container is not of its network', { containerId, address })
        }
      }
    }
  }

  /** Records to kernel: bridges, then the firewall with all that is published, as one transaction. */
  async #stand(): Promise<void> {
    const { log, ipForward } = this.#options
    mkdirSync(join(this.#options.execRoot, 'netns'), { recursive: true, mode: 0o711 })
    if (ipForward) sysctl('ipv4/ip_forward', '1')
    this.#drivers.sweep((id) => this.#store.network(id) !== null)
    for (const network of this.#store.networks()) {
      try {
        this.#drivers.ensure(network, { quiet: true })
      } catch (error) {
        if (network.name === 'bridge') throw error
        log.error('cannot bring up a network', { network: network.name, reason: messageOf(error) })
      }
    }
    for (const { endpoints } of this.#store.sandboxes()) {
      for (const endpoint of endpoints) {
        const network = this.#store.network(endpoint.networkId)
        if (network !== null)
          this.#firewall.publish(endpoint.id, portRules(network, endpoint), { quiet: true })
      }
    }
    this.#overlay.start()
    await this.#firewall.install()
    await replaceOtherBackend(this.#firewallOptions)
  }

  /** Containers in it do not see each other: it is their way out and nothing else. */
  async #gatewayNetwork(): Promise<NetworkRecord> {
    const found = this.#store.networkByName(GATEWAY_NETWORK)
    if (found !== null) return found
    this.#gateway ??= this.#catalog
      .create({
        Name: GATEWAY_NETWORK,
        Driver: 'bridge',
        Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      })
      .then(({ Id }) => this.#catalog.find(Id))
      .finally(() => {
        this.#gateway = null
      })
    return await this.#gateway
  }

  async #heal(): Promise<void> {
    try {
      if (await this.#firewall.heal()) this.#options.log.warn('rules of the firewall were gone and are back')
    } catch (error) {
      this.#options.log.error('cannot heal the firewall', { reason: messageOf(error) })
    }
  }

  /** Nothing runs: bridges and firewall go too, and come back at the next start. */
  async #takeDown(): Promise<void> {
    const removals = [...this.#store.networks()].map((network) => this.#drivers.remove(network))
    for (const outcome of await Promise.allSettled(removals)) {
      if (outcome.status === 'rejected')
        this.#options.log.warn('cannot take a network down', { reason: messageOf(outcome.reason) })
    }
    await this.#firewall.uninstall().catch((error: unknown) => {
      this.#options.log.warn('cannot take the firewall down', { reason: messageOf(error) })
    })
  }

  /** Names of namespaces that belong to no record: made by a daemon that died before it could tell. */
  #sweepNamespaces(): void {
    const directory = join(this.#options.execRoot, 'netns')
    const known = new Set([...this.#store.sandboxes()].map((record) => record.netnsPath))
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      if (!known.has(path)) removeNetns(path)
    }
  }

  #hostGateway(): string | null {
    const { hostGatewayIp } = this.#options
    if (hostGatewayIp === null) return this.#store.networkByName('bridge')?.pools[0]?.gateway ?? null
    try {
      return formatAddress(parseAddress(hostGatewayIp))
    } catch (cause) {
      throw new InvalidArgumentError(`invalid value for --host-gateway-ip: ${hostGatewayIp}`, { cause })
    }
  }
}
