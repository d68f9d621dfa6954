import { readFileSync } from 'node:fs'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import type { Logger } from '#base/logger.ts'
import { assertNever } from '#base/assert-never.ts'
import { InvalidArgumentError, messageOf, NotFoundError } from '#errors/errors.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import type { Plugins } from '#plugins/plugins.ts'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import type { Database } from '#store/database.ts'
import type { EndpointWish } from '../endpoint-wishes.ts'
import type { SandboxRequest } from '../networks.ts'
import type { EndpointRecord, NetworkRecord, PoolRecord } from '../records.ts'
import { Cni, CNI_PATH } from './cni.ts'
import { parseCniConfig } from './cni-config.ts'
import { readCniResult } from './cni-result.ts'
import { IpamPlugins } from './ipam-plugin.ts'
import { ForeignLedger } from './ledger.ts'
import type { ForeignThing } from './ledger.ts'
import { NetworkPlugins } from './network-plugin.ts'
import { cniRuntimeConfig, pluginPorts } from './ports.ts'

const BUILT_IN = new Set(['', 'bridge', 'macvlan', 'overlay', 'host', 'null', 'ipvlan'])

/** What of a network to be is other programs' business; null where it is ours. */
export interface ForeignPlan {
  readonly driver: {
    readonly name: 'plugin' | 'cni'
    readonly plugin?: string
    readonly cniConfig?: string
  } | null
  readonly pools: readonly PoolRecord[] | null
}

/** Fixed by the one who takes an endpoint's addresses: its id and what an IPAM plugin gave. */
export interface GivenEndpoint {
  readonly id: string
  readonly ipv4?: string
  readonly ipv6?: string
}

/**
 * Networks and addresses that other programs make: network plugins and IPAM plugins (Docker's protocol), CNI plugins. What they hold for us is in the ledger from before
 * the first call to after the last.
 */
export class Foreign {
  readonly #plugins: NetworkPlugins
  readonly #ipam: IpamPlugins
  readonly #cni = new Cni()
  readonly #ledger: ForeignLedger
  readonly #netlink: Rtnetlink
  readonly #log: Logger

  constructor(parts: {
    readonly plugins: Plugins | null
    readonly database: Database
    readonly netlink: Rtnetlink
    readonly log: Logger
  }) {
    const plugins = parts.plugins ?? NO_PLUGINS
    this.#log = parts.log
    this.#netlink = parts.netlink
    this.#plugins = new NetworkPlugins(plugins)
    this.#ipam = new IpamPlugins(plugins, () => this.#ledger)
    this.#ledger = new ForeignLedger({ ...parts, release: (thing) => this.#release(thing) })
  }

  /** Finds the driver that a request names and takes its pools. What it took is given back by `giveBack(id)`. @throws NotFoundError, InvalidArgumentError, PluginError. */
  async plan(id: string, request: NetworkCreateRequest): Promise<ForeignPlan> {
    if (request.ConfigOnly === true) return { driver: null, pools: null }
    const driver = await this.#driver(request)
    const ipam = request.IPAM?.Driver || 'default'
    if (driver?.name === 'cni') {
      if (ipam !== 'default' || (request.IPAM?.Config ?? []).length > 0)
        throw new InvalidArgumentError('the addresses of a CNI network are in its configuration')
      return { driver, pools: [] }
    }
    if (ipam === 'null') return { driver, pools: [] }
    if (ipam === 'default') return { driver, pools: null }
    const families = ([4, 6] as const).filter((family) =>
      family === 4 ? (request.EnableIPv4 ?? true) : (request.EnableIPv6 ?? false),
    )
    return { driver, pools: await this.#ipam.requestPools(id, { ...request.IPAM, Driver: ipam }, families) }
  }

  async #driver({ Driver = '', Options }: NetworkCreateRequest): Promise<ForeignPlan['driver']> {
    const name = Driver ?? ''
    if (BUILT_IN.has(name)) return null
    if (name !== 'cni') {
      await this.#plugins.find(name)
      return { name: 'plugin', plugin: name }
    }
    const config = Options?.['config'] ?? ''
    if (config === '') {
      throw new InvalidArgumentError('cni networks need a configuration: use -o config=<file or JSON text>')
    }
    const cniConfig = config.trimStart().startsWith('{') ? config : readConfig(config)
    parseCniConfig(cniConfig)
    return { name: 'cni', cniConfig }
  }

  /** Has a plugin make a network that is recorded. */
  async createNetwork(record: NetworkRecord): Promise<void> {
    if (record.driver !== 'plugin') return
    const driver = record.plugin ?? ''
    this.#ledger.hold(record.id, { kind: 'network', driver, networkId: record.id })
    await failpoint('network.plugin.network-held')
    await this.#plugins.createNetwork(record, driver)
  }

  /** Has a plugin take its network away. @throws PluginError when it refuses; the network is as before then. */
  removeNetwork(record: NetworkRecord): Promise<void> {
    return this.#ledger.giveBackOrFail(record.id, 'network')
  }

  /** Whether an endpoint in this network needs others than us. */
  isNeededFor(network: NetworkRecord): boolean {
    return (
      network.driver === 'plugin' || network.driver === 'cni' || network.pools.some((pool) => pool.poolId)
    )
  }

  /**
   * Has the others make an endpoint. `plan` works the record out from what they give. On failure nothing of theirs is left.
   * @throws PluginError, UnavailableError in their words.
   */
  async claim(
    plan: (given: GivenEndpoint) => EndpointRecord,
    place: {
      readonly wish: EndpointWish
      readonly request: SandboxRequest
      readonly netnsPath: string
      readonly ifnamesTaken: ReadonlySet<string>
    },
  ): Promise<EndpointRecord> {
    const { network, settings, mac } = place.wish
    const id = newId()
    try {
      const given: { id: string; ipv4?: string; ipv6?: string } = { id }
      for (const family of [4, 6] as const) {
        const pool = network.pools.find((candidate) => candidate.family === family)
        if (pool?.poolId === undefined) continue
        const { IPv4Address, IPv6Address } = settings.IPAMConfig ?? {}
        given[`ipv${family}`] = await this.#ipam.requestAddress(id, {
          driver: network.ipamDriver,
          poolId: pool.poolId,
          address: (family === 4 ? IPv4Address : IPv6Address) ?? '',
          mac: settings.MacAddress || mac || null,
        })
      }
      await failpoint('network.plugin.addresses-taken')
      const endpoint = plan(given)
      if (network.driver === 'plugin') return await this.#claimOfPlugin(network, endpoint, place)
      return network.driver === 'cni' ? await this.#claimOfCni(network, endpoint, place) : endpoint
    } catch (error) {
      await this.giveBack(id)
      throw error
    }
  }

  async #claimOfPlugin(
    network: NetworkRecord,
    endpoint: EndpointRecord,
    place: {
      readonly request: SandboxRequest
      readonly netnsPath: string
      readonly ifnamesTaken: ReadonlySet<string>
    },
  ): Promise<EndpointRecord> {
    const driver = network.plugin ?? ''
    this.#ledger.hold(endpoint.id, {
      kind: 'endpoint',
      driver,
      networkId: network.id,
      endpointId: endpoint.id,
    })
    await failpoint('network.plugin.endpoint-held')
    const made = await this.#plugins.createEndpoint(network, endpoint, {
      sandboxKey: place.netnsPath,
      mac: endpoint.mac,
      ...pluginPorts(place.request),
    })
    const { link } = made.foreign
    const wanted = endpoint.settings.DriverOpts?.['com.docker.network.endpoint.ifname'] ?? ''
    const ifname = wanted || ifnameOf(made.ifname, place.ifnamesTaken) || endpoint.ifname
    return {
      ...endpoint,
      mac: made.mac ?? (link === null ? null : this.#netlink.link(link).mac),
      ipv4: made.ipv4,
      ipv6: made.ipv6,
      ifname: link === null ? null : ifname,
      foreign: made.foreign,
    }
  }

  async #claimOfCni(
    network: NetworkRecord,
    endpoint: EndpointRecord,
    place: { readonly request: SandboxRequest; readonly netnsPath: string },
  ): Promise<EndpointRecord> {
    const ifname = endpoint.ifname ?? 'eth0'
    const call = {
      config: network.cniConfig ?? '',
      path: network.options['path'] || CNI_PATH,
      containerId: place.request.containerId,
      netnsPath: place.netnsPath,
      ifname,
      runtimeConfig: cniRuntimeConfig(place.request, endpoint),
    }
    // DEL cleans up after an ADD that came half-way as well.
    const number = this.#ledger.hold(endpoint.id, { kind: 'cni', call: { ...call, result: null } })
    const result = await this.#cni.add(call)
    this.#ledger.amend(number, { kind: 'cni', call: { ...call, result } })
    return { ...endpoint, ...readCniResult(result, ifname) }
  }

  /** What has to go while the namespace is still there: CNI plugins look into it. */
  async leaveNamespace(endpoints: readonly EndpointRecord[]): Promise<void> {
    for (const { id, foreign } of endpoints) {
      if (foreign !== undefined) await this.#ledger.giveBack(id, { only: 'cni' })
    }
  }

  /** Gives all back that is held for an endpoint or a network; what cannot be is logged and tried again at the next start. */
  giveBack(owner: string): Promise<void> {
    return this.#ledger.giveBack(owner)
  }

  /** After a start: gives back what is held for nobody any more, has CNI plugins check what runs, and clean up after others. */
  async recover(networks: readonly NetworkRecord[], endpoints: readonly EndpointRecord[]): Promise<void> {
    const known = new Set([...networks, ...endpoints].map(({ id }) => id))
    for (const owner of this.#ledger.owners()) if (!known.has(owner)) await this.giveBack(owner)
    for (const network of networks) {
      if (network.driver !== 'cni' || network.cniConfig === undefined) continue
      const calls = endpoints
        .filter(({ networkId }) => networkId === network.id)
        .map(({ id }) => this.#ledger.cniCall(id))
        .filter((call) => call !== null)
      const attempt = async (what: string, work: Promise<void>): Promise<void> => {
        await work.catch((error: unknown) => {
          this.#log.warn(what, { network: network.name, reason: messageOf(error) })
        })
      }
      for (const call of calls) await attempt('an attachment is not as CNI made it', this.#cni.check(call))
      const options = { path: network.options['path'] || CNI_PATH, valid: calls }
      await attempt('CNI plugins cannot clean up', this.#cni.collect(network.cniConfig, options))
    }
  }

  async #release(thing: ForeignThing): Promise<void> {
    switch (thing.kind) {
      case 'pool':
        return await this.#ipam.releasePool(thing.driver, thing.poolId)
      case 'address':
        return await this.#ipam.releaseAddress(thing.driver, thing.poolId, thing.address)
      case 'network':
        return await this.#plugins.deleteNetwork(thing.driver, thing.networkId)
      case 'endpoint':
        return await this.#plugins.deleteEndpoint(thing.driver, thing.networkId, thing.endpointId)
      case 'cni':
        return await this.#cni.del(thing.call)
      default:
        return assertNever(thing)
    }
  }
}

/** A daemon without plugins. */
const NO_PLUGINS: Plugins = {
  get: (name) => Promise.reject(new NotFoundError(`plugin "${name}" not found`)),
  list: () => Promise.resolve([]),
  active: () => [],
}

function ifnameOf(
  said: { readonly prefix: string } | { readonly name: string } | null,
  taken: ReadonlySet<string>,
): string | null {
  if (said === null) return null
  if ('name' in said) return said.name
  let number = 0
  while (taken.has(`${said.prefix}${number}`)) number++
  return `${said.prefix}${number}`
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new InvalidArgumentError(`cannot read the CNI configuration ${path}: ${messageOf(cause)}`, {
      cause,
    })
  }
}
