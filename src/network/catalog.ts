import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import type { Logger } from '#base/logger.ts'
import {
  ConflictError,
  InvalidArgumentError,
  messageOf,
  NotFoundError,
  PermissionDeniedError,
} from '#errors/errors.ts'
import type { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { EndpointResource, IPAM, IPAMConfig } from '#spec/docker/network.ts'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import { parseBridgeOptions } from './bridge-options.ts'
import { parseCidr, subnetOf, parseAddress } from './cidr.ts'
import type { Subnet } from './cidr.ts'
import { planPools } from './ipam-config.ts'
import type { IpamContext } from './ipam-config.ts'
import type { NetworkDrivers } from './network-drivers.ts'
import { parseDriver } from './network-drivers.ts'
import { isPredefined, listFilter, pruneFilter, scopeOf } from './network-filters.ts'
import type { NetworkStore } from './network-store.ts'
import type { NetworkCatalog, NetworkDetail, NetworkEvents, NetworkIdentity } from './networks.ts'
import type { Foreign, ForeignPlan } from './foreign/foreign.ts'
import type { Overlay } from './overlay/overlay.ts'
import { overlayAddressPools } from './overlay/overlay-options.ts'
import type { Pools } from './pools.ts'
import type { NetworkRecord, PoolRecord } from './records.ts'
import type { AddressPoolBase } from './subnet-chooser.ts'

/** Options of new networks, by driver. */
export type NetworkDefaults = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What the catalog is made of. */
export interface CatalogParts {
  readonly store: NetworkStore
  readonly pools: Pools
  readonly drivers: NetworkDrivers
  readonly netlink: Rtnetlink
  readonly addressPools: readonly AddressPoolBase[]
  readonly networkDefaults: NetworkDefaults
  readonly overlay: Overlay
  readonly foreign: Foreign
  readonly events: NetworkEvents
  readonly log: Logger
  readonly ready: () => Promise<void>
}

/** The networks there are: their definitions, and who is attached. */
export class Catalog implements NetworkCatalog {
  readonly #parts: CatalogParts

  constructor(parts: CatalogParts) {
    this.#parts = parts
  }

  async create(request: NetworkCreateRequest): Promise<{ readonly Id: string; readonly Warning: string }> {
    await this.#parts.ready()
    const { store, foreign } = this.#parts
    const id = newId()
    let record: NetworkRecord | null = null
    try {
      record = await this.#make(id, request)
    } catch (error) {
      await foreign.giveBack(id)
      throw error
    }
    await store.durable()
    this.#parts.events.network({
      action: 'create',
      id: record.id,
      attributes: { name: record.name, type: record.plugin ?? record.driver },
    })
    return { Id: record.id, Warning: '' }
  }

  async #make(id: string, request: NetworkCreateRequest): Promise<NetworkRecord> {
    const { store, pools, drivers, overlay, foreign } = this.#parts
    this.#checkName(request)
    const isGlobal = request.Driver === 'overlay' && request.ConfigOnly !== true
    const others = await foreign.plan(id, request)
    const record = isGlobal
      ? await overlay.publish(id, (networks) => this.plan(request, { id, others: networks }))
      : this.plan(request, { id, foreign: others })
    const isNew = store.network(id) === null
    // A plugin's network counts when the plugin has made it.
    store.putNetwork(record.driver === 'plugin' ? { ...record, isUnfinished: true } : record)
    await failpoint('network.create.recorded')
    try {
      await foreign.createNetwork(record)
      drivers.ensure(record, { quiet: false })
      if (isNew) pools.add(record)
      await drivers.settled()
    } catch (error) {
      pools.remove(record.id)
      await drivers.remove(record).catch(() => {}) // The first error is the one to tell.
      store.deleteNetwork(record.id)
      throw error
    }
    if (record.driver === 'plugin') store.putNetwork(record)
    return record
  }

  /** Before anybody else is asked. */
  #checkName({ Name: name }: NetworkCreateRequest): void {
    if (name.trim() === '') throw new InvalidArgumentError('invalid name: name is empty')
    if (isPredefined(name) || name === 'default') {
      throw new PermissionDeniedError(`operation is not permitted on predefined ${name} network `)
    }
    if (this.#parts.store.networkByName(name) !== null) {
      throw new ConflictError(`network with name ${name} already exists`)
    }
  }

  /** Checks a request and works out the record, without making anything. `others`: the networks of the cluster, for one that will be the cluster's. */
  plan(
    request: NetworkCreateRequest,
    options: {
      readonly id: string
      readonly others?: readonly NetworkRecord[]
      readonly foreign?: ForeignPlan
    },
  ): NetworkRecord {
    const { drivers } = this.#parts
    this.#checkName(request)
    if (request.Ingress === true)
      throw new InvalidArgumentError('ingress networks need a swarm, which Wharf has not')
    if (request.Scope && request.Scope !== (options.others === undefined ? 'local' : 'global')) {
      throw new PermissionDeniedError(
        'this node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      )
    }
    const source = this.#configSource(request)
    const foreign = options.foreign?.driver ?? null
    const driver = request.ConfigOnly === true ? 'null' : (foreign?.name ?? parseDriver(request.Driver ?? ''))
    if (request.ConfigOnly !== true && (driver === 'host' || driver === 'null')) {
      throw new PermissionDeniedError(`only one instance of "${driver}" network is allowed`)
    }
    const ipamDriver = request.IPAM?.Driver || 'default'
    const given = options.foreign?.pools ?? null
    if (ipamDriver !== 'default' && given === null && request.ConfigOnly !== true)
      throw new NotFoundError(`ipam driver "${ipamDriver}" not found`)
    const enableIPv4 = source?.enableIPv4 ?? request.EnableIPv4 ?? true
    const enableIPv6 = source?.enableIPv6 ?? request.EnableIPv6 ?? false
    if (!enableIPv4 && !enableIPv6) throw new InvalidArgumentError('IPv4 or IPv6 must be enabled')
    const ipam = source === null ? request.IPAM : { Config: source.pools.map(poolConfig) }
    const draft: NetworkRecord = {
      id: options.id,
      name: request.Name,
      driver,
      created: new Date().toISOString().replace(/Z$/, '000000Z'),
      enableIPv4,
      enableIPv6,
      internal: source?.internal ?? request.Internal ?? false,
      attachable: request.Attachable ?? false,
      ingress: false,
      configOnly: request.ConfigOnly ?? false,
      configFrom: request.ConfigFrom?.Network ?? '',
      options: source?.options ?? this.#optionsOf(request, driver),
      labels: request.Labels ?? {},
      ipamDriver,
      ipamOptions: request.IPAM?.Options ?? null,
      ...(foreign?.plugin !== undefined && { plugin: foreign.plugin }),
      ...(foreign?.cniConfig !== undefined && { cniConfig: foreign.cniConfig }),
      pools:
        given ??
        planPools(ipam, {
          enableIPv4,
          enableIPv6,
          context: this.ipamContext(options.others),
          allocate: request.ConfigOnly !== true,
        }),
      link: null,
      ownsLink: false,
    }
    if (draft.configOnly) return draft
    const { link, owned } = drivers.plan(draft)
    return { ...draft, pools: withoutIdleGateways(draft, request.IPAM), link, ownsLink: owned }
  }

  list(filters: Filters, options: { readonly brief?: boolean } = {}): readonly NetworkDetail[] {
    const passes = listFilter(filters, (network) => this.#inUse(network))
    return [...this.#parts.store.networks()]
      .filter(passes)
      .map((network) => this.#describe(network, { brief: options.brief === true }))
  }

  inspect(ref: string, options: { readonly verbose?: boolean; readonly scope?: string } = {}): NetworkDetail {
    const network = this.find(ref)
    if (options.scope && options.scope !== scopeOf(network))
      throw new NotFoundError(`network ${ref} not found`)
    return this.#describe(network, { brief: false })
  }

  resolve(ref: string): NetworkIdentity {
    const { id, name, driver } = this.find(ref)
    return { id, name, driver }
  }

  /** The network of this id, name or id prefix. @throws NotFoundError, InvalidArgumentError when a prefix is not unique. */
  find(ref: string): NetworkRecord {
    const { store } = this.#parts
    const exact = store.network(ref) ?? store.networkByName(ref === 'default' ? 'bridge' : ref)
    if (exact !== null) return exact
    const byPrefix = ref === '' ? [] : [...store.networks()].filter((network) => network.id.startsWith(ref))
    if (byPrefix.length > 1) {
      throw new InvalidArgumentError(
        `network ${ref} is ambiguous (${String(byPrefix.length)} matches found based on ID prefix)`,
      )
    }
    const [network] = byPrefix
    if (network === undefined) throw new NotFoundError(`network ${ref} not found`)
    return network
  }

  async remove(ref: string): Promise<void> {
    await this.#parts.ready()
    const network = this.find(ref)
    if (isPredefined(network.name)) {
      throw new PermissionDeniedError(`${network.name} is a pre-defined network and cannot be removed`)
    }
    const attached = Object.entries(this.#attached(network))
    if (attached.length > 0) {
      const names = attached.map(
        ([, { Name, EndpointID }]) => `name:"${Name ?? ''}" id:"${(EndpointID ?? '').slice(0, 12)}"`,
      )
      throw new PermissionDeniedError(
        `error while removing network: network ${network.name} has active endpoints (${names.join(', ')})`,
      )
    }
    for (const other of this.#parts.store.networks()) {
      if (network.configOnly && other.configFrom === network.name) {
        throw new PermissionDeniedError(`configuration network "${network.name}" is in use`)
      }
    }
    await this.#delete(network)
    await this.#parts.store.durable()
  }

  async prune(filters: Filters): Promise<{ readonly NetworksDeleted: readonly string[] }> {
    await this.#parts.ready()
    const passes = pruneFilter(filters, Date.now())
    const deleted: string[] = []
    for (const network of [...this.#parts.store.networks()]) {
      if (isPredefined(network.name) || this.#inUse(network) || !passes(network)) continue
      try {
        await this.#delete(network)
        deleted.push(network.name)
      } catch (error) {
        this.#parts.log.warn('cannot prune a network', { network: network.name, reason: messageOf(error) })
      }
    }
    await this.#parts.store.durable()
    this.#parts.events.network({ action: 'prune', id: '', attributes: { reclaimed: '0' } })
    return { NetworksDeleted: deleted }
  }

  /**
   * What a new network's subnets must keep clear of. Those of the host and those of the cluster (`others`) are apart: an overlay network has a namespace of its
   * own. What we choose keeps clear of both all the same, for the containers that are in both.
   */
  ipamContext(others?: readonly NetworkRecord[]): IpamContext {
    const { store, netlink, addressPools } = this.#parts
    const subnets = (networks: readonly NetworkRecord[]): Subnet[] =>
      networks.flatMap((network) => network.pools.map((pool) => parseCidr(pool.subnet).subnet))
    // A configuration only describes subnets: those that use it have them.
    const real = [...store.networks()].filter((network) => !network.configOnly)
    const local = real.filter((network) => network.driver !== 'overlay')
    const global = others ?? real.filter((network) => network.driver === 'overlay')
    const [networks, routes] =
      others === undefined ? [subnets(local), subnets(global)] : [subnets(global), subnets(local)]
    for (const family of [4, 6] as const) {
      for (const { destination, prefix } of netlink.routes(family)) {
        if (destination !== null && prefix > 0) routes.push(subnetOf(parseAddress(destination), prefix))
      }
    }
    return { networks, routes, pools: others === undefined ? addressPools : overlayAddressPools }
  }

  async #delete(network: NetworkRecord): Promise<void> {
    const { store, pools, drivers, events, overlay, foreign } = this.#parts
    if (network.driver === 'overlay') await overlay.unpublish(network)
    await foreign.removeNetwork(network)
    // Forgotten first: a name in the list means a network that works. A link that is left over goes at the next start.
    pools.remove(network.id)
    store.deleteNetwork(network.id)
    await drivers.remove(network)
    await foreign.giveBack(network.id)
    events.network({
      action: 'destroy',
      id: network.id,
      attributes: { name: network.name, type: network.plugin ?? network.driver },
    })
  }

  /** What was asked for, and the daemon's defaults for the driver; a description alone has none. */
  #optionsOf(request: NetworkCreateRequest, driver: string): Readonly<Record<string, string>> {
    const defaults = request.ConfigOnly === true ? {} : this.#parts.networkDefaults[driver]
    return { ...defaults, ...request.Options }
  }

  #configSource(request: NetworkCreateRequest): NetworkRecord | null {
    const name = request.ConfigFrom?.Network ?? ''
    if (name === '') return null
    if (request.ConfigOnly === true) {
      throw new PermissionDeniedError(
        'a configuration network cannot depend on another configuration network',
      )
    }
    const source = this.#parts.store.networkByName(name)
    if (source === null) throw new NotFoundError(`network ${name} not found`)
    if (!source.configOnly)
      throw new PermissionDeniedError(`network "${name}" is not a configuration network`)
    if ((request.IPAM?.Config ?? []).length > 0 || Object.keys(request.Options ?? {}).length > 0) {
      throw new PermissionDeniedError(
        'user specified configurations are not supported if the network depends on a configuration network',
      )
    }
    return source
  }

  /** The containers attached to a network, as `docker network inspect` lists them. */
  #attached(network: NetworkRecord): Record<string, EndpointResource> {
    const { overlay } = this.#parts
    const containers = network.driver === 'overlay' ? overlay.containersElsewhere(network) : {}
    for (const [containerId, sandbox] of this.#parts.store.attachedTo(network.id)) {
      const endpoint = sandbox.endpoints.find((candidate) => candidate.networkId === network.id)
      if (endpoint === undefined) continue
      containers[containerId] = {
        Name:
          endpoint.isGateway === true ? `gateway_${sandbox.sandboxId.slice(0, 12)}` : sandbox.containerName,
        EndpointID: endpoint.id,
        MacAddress: endpoint.mac ?? '',
        IPv4Address: withPrefix(network, endpoint.ipv4, 4),
        IPv6Address: withPrefix(network, endpoint.ipv6, 6),
      }
    }
    return containers
  }

  #inUse(network: NetworkRecord): boolean {
    if (this.#parts.store.attachedTo(network.id).size > 0) return true
    return network.driver === 'overlay' && Object.keys(this.#attached(network)).length > 0
  }

  #describe(network: NetworkRecord, { brief }: { readonly brief: boolean }): NetworkDetail {
    const linked = network.driver !== 'host' && !(network.driver === 'null' && !network.configOnly)
    return {
      Name: network.name,
      Id: network.id,
      Created: network.created,
      Scope: scopeOf(network),
      Driver: network.plugin ?? network.driver,
      EnableIPv4: network.enableIPv4,
      EnableIPv6: network.enableIPv6,
      IPAM: {
        Driver: network.ipamDriver,
        Options: network.ipamOptions,
        Config: linked ? network.pools.map(poolConfig) : null,
      },
      Internal: network.internal,
      Attachable: network.attachable,
      Ingress: network.ingress,
      ConfigFrom: { Network: network.configFrom },
      ConfigOnly: network.configOnly,
      Containers: brief ? {} : this.#attached(network),
      Options: network.options,
      Labels: network.labels,
      ...(network.driver === 'overlay' && !brief && { Peers: this.#parts.overlay.hostsOf(network.id) }),
      Status: { IPAM: { Subnets: brief ? {} : this.#parts.pools.status(network.id) } },
    }
  }
}

/** A bridge that has no address of a family needs none reserved, unless the user named one. */
function withoutIdleGateways(draft: NetworkRecord, ipam: IPAM | null | undefined): readonly PoolRecord[] {
  if (draft.driver !== 'bridge') return draft.pools
  const { gatewayMode } = parseBridgeOptions(draft.options)
  const named = new Set((ipam?.Config ?? []).map(({ Gateway }) => Gateway))
  return draft.pools.map((pool) =>
    gatewayMode[pool.family] === 'isolated' && !named.has(pool.gateway ?? '')
      ? { ...pool, gateway: null }
      : pool,
  )
}

function poolConfig(pool: NetworkRecord['pools'][number]): IPAMConfig {
  return {
    Subnet: pool.subnet,
    ...(pool.range === null ? {} : { IPRange: pool.range }),
    ...(pool.gateway === null || pool.hidesGateway === true ? {} : { Gateway: pool.gateway }),
    ...(Object.keys(pool.aux).length === 0 ? {} : { AuxiliaryAddresses: pool.aux }),
  }
}

function withPrefix(network: NetworkRecord, address: string | null, family: 4 | 6): string {
  const pool = network.pools.find((candidate) => candidate.family === family)
  return address === null || pool === undefined
    ? ''
    : `${address}/${String(parseCidr(pool.subnet).subnet.prefix)}`
}
