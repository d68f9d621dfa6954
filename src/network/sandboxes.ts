import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { failpointSync } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import type { Logger } from '#base/logger.ts'
import { phase } from '#base/trace.ts'
import {
  ConflictError,
  InvalidArgumentError,
  messageOf,
  NotFoundError,
  PermissionDeniedError,
} from '#errors/errors.ts'
import { createNetns, createOwnedNetns, removeNetns } from '#kernel/netns.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import { validateEndpoint } from './endpoints.ts'
import type { Firewall } from './firewall.ts'
import { isRoutedByLink } from './ipvlan-driver.ts'
import { gatewayAt, gatewayEndpoint } from './gateways.ts'
import { PublishError } from './host-ports.ts'
import type { HostPorts } from './host-ports.ts'
import { LinkInside } from './link-inside.ts'
import type { NetworkDrivers } from './network-drivers.ts'
import type { NetworkEvents, Sandbox, Sandboxes, SandboxRequest } from './networks.ts'
import type { PortChange } from './port-changes.ts'
import { portWishes } from './port-spec.ts'
import { EndpointPlanner } from './endpoint-planner.ts'
import type { PlannerParts } from './endpoint-planner.ts'
import { CONFLICTS } from './endpoint-wishes.ts'
import { PortPublisher } from './port-publisher.ts'
import type { PortProxies } from './port-publisher.ts'
import { checkWishes, isRelayed, PUBLISH_MODE } from './publishing.ts'
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts'
import { namespaceOf, openInside, prepareNetns } from './sandbox-namespace.ts'
import { hostsText, usesEmbeddedDns, viewSandbox } from './sandbox-view.ts'
import type { ViewContext } from './sandbox-view.ts'
import { endpointRates } from './rates.ts'

/** Serves names to a sandbox from inside its namespace. */
export interface NameServers {
  /** Opens (once) the server of a sandbox; later calls for the same container change nothing. `fresh`: the namespace is new. */
  open(record: SandboxRecord, inside: LinkInside, options: { readonly fresh: boolean }): void
  close(containerId: string): void
}

/** What the service is made of. */
export interface SandboxParts extends PlannerParts {
  readonly execRoot: string
  readonly hostPorts: HostPorts
  readonly firewall: Firewall
  readonly drivers: NetworkDrivers
  readonly nameServers: NameServers
  readonly proxies: PortProxies
  readonly context: ViewContext
  readonly events: NetworkEvents
  readonly log: Logger
  /** Resolves when networks and firewall stand. */
  readonly ready: () => Promise<void>
}

/**
 * Makes and unmakes the network stacks of containers. All kernel work is synchronous (netlink answers at once), so a call is not
 * interleaved with another: no locks.
 *
 * Order: addresses and ports are taken in memory, the record is written, then the kernel is asked. Whatever dies in between is
 * swept at the next start by what the record names.
 */
export class SandboxService implements Sandboxes {
  readonly #parts: SandboxParts
  readonly #publisher: PortPublisher
  readonly #planner: EndpointPlanner
  #hostsListener: (containerId: string, hosts: string) => void = () => {}

  constructor(parts: SandboxParts) {
    this.#parts = parts
    this.#publisher = new PortPublisher(parts)
    this.#planner = new EndpointPlanner(parts)
  }

  check(request: SandboxRequest): void {
    checkWishes(portWishes(request))
    endpointRates({}, request.labels ?? {})
    isRelayed([request.labels?.[PUBLISH_MODE]], portWishes(request))
    for (const entry of request.extraHosts) {
      if (!/^[^\s:=]+[:=][^\s]+$/.test(entry))
        throw new InvalidArgumentError(`bad format for add-host: "${entry}"`)
    }
    if (request.mode.kind !== 'networks') return
    const names = Object.keys(request.mode.endpoints)
    for (const [ref, settings] of Object.entries(request.mode.endpoints)) {
      const network = this.#findIfThere(ref)
      // A network may come to be until the container starts; dockerd's clients take "not found" at creation for a missing image.
      if (network === null) continue
      if (names.length > 1 && (network.driver === 'host' || network.driver === 'null')) {
        throw new InvalidArgumentError(CONFLICTS[network.driver])
      }
      try {
        validateEndpoint(network, settings)
      } catch (cause) {
        throw new InvalidArgumentError(`invalid config for network ${ref}: ${messageOf(cause)}`, { cause })
      }
    }
  }

  async sandbox(request: SandboxRequest): Promise<Sandbox> {
    await this.#parts.ready()
    if (request.mode.kind === 'container') return this.#share(request, request.mode.containerId)
    if (this.#parts.store.sandbox(request.containerId) !== null) await this.release(request.containerId)
    using _ = phase('network.sandbox')
    const sandboxId = newId()
    const owner = request.owner ?? null
    // It takes another process: made first, for all that follows goes without a pause. A dead daemon's is swept by its name.
    if (owner !== null) await createOwnedNetns(this.#netnsPath(sandboxId), owner)
    // CNI plugins want it before all else.
    else if (this.#needsNetnsFirst(request)) createNetns(this.#netnsPath(sandboxId), prepareNetns)
    let record: SandboxRecord
    try {
      record = await this.#build(request, { sandboxId, endpoints: await this.#plan(request, sandboxId) })
      await this.#inForce(record)
    } catch (error) {
      throw inDockersWords(error)
    }
    for (const endpoint of record.endpoints) this.#tell('connect', record, endpoint)
    this.#tellLinks(record)
    return viewSandbox(record, this.#parts.context)
  }

  async release(containerId: string): Promise<void> {
    const record = this.#parts.store.sandbox(containerId)
    if (record === null) return
    using _ = phase('network.release')
    await this.#parts.foreign.leaveNamespace(record.endpoints)
    await this.#unmake(record)
    await this.#parts.firewall.settled()
    for (const endpoint of record.endpoints) this.#tell('disconnect', record, endpoint)
    this.#tellLinks(record)
  }

  describe(containerId: string): Sandbox | null {
    const record = this.#parts.store.sandbox(containerId)
    return record === null ? null : viewSandbox(record, this.#parts.context)
  }

  async connect(
    containerId: string,
    options: { readonly network: string; readonly endpoint: EndpointSettings },
  ): Promise<Sandbox> {
    await this.#parts.ready()
    const { store, drivers } = this.#parts
    const network = this.#parts.resolve(options.network)
    let before = this.#existing(containerId)
    if (before.netnsPath === null) throw new InvalidArgumentError(CONFLICTS.host)
    if (before.endpoints.some((endpoint) => endpoint.networkName === 'none')) {
      throw new InvalidArgumentError(CONFLICTS.null)
    }
    if (network.driver === 'host' || network.driver === 'null')
      throw new InvalidArgumentError(CONFLICTS[network.driver])
    if (before.endpoints.some((endpoint) => endpoint.networkId === network.id)) {
      throw new PermissionDeniedError(
        `endpoint with name ${before.containerName} already exists in network ${network.name}`,
      )
    }
    const wish = { network, settings: options.endpoint, mac: null, netnsPath: namespaceOf(before) }
    const added = await this.#planner.add(before.request, before.endpoints, wish)
    before = this.#existing(containerId)
    const after = { ...before, endpoints: [...before.endpoints, ...added] }
    store.putSandbox(after)
    try {
      using inside = new LinkInside(namespaceOf(after))
      for (const endpoint of added) this.#attach(after, endpoint, inside)
      const record = this.#settle(after, inside, { fresh: false })
      await this.#parts.firewall.settled()
      for (const endpoint of added) this.#tell('connect', record, endpoint)
      return viewSandbox(record, this.#parts.context)
    } catch (error) {
      await this.#parts.foreign.leaveNamespace(added)
      using inside = openInside(after)
      for (const endpoint of added) drivers.detach(endpoint, inside)
      store.putSandbox(before)
      for (const endpoint of added) await this.#planner.giveBack(endpoint)
      throw error
    }
  }

  async disconnect(
    containerId: string,
    options: { readonly network: string; readonly force: boolean },
  ): Promise<Sandbox> {
    await this.#parts.ready()
    const { store, drivers } = this.#parts
    const network = this.#parts.resolve(options.network)
    const before = this.#existing(containerId)
    const endpoint = before.endpoints.find(
      (candidate) => candidate.networkId === network.id && candidate.isGateway !== true,
    )
    if (network.driver === 'host') throw new InvalidArgumentError(CONFLICTS.host)
    if (endpoint === undefined) {
      throw new PermissionDeniedError(`container ${containerId} is not connected to network ${network.name}`)
    }
    using inside = new LinkInside(namespaceOf(before))
    const leaving = this.#planner.leaving(endpoint, before.endpoints)
    await this.#parts.foreign.leaveNamespace(leaving)
    for (const gone of leaving) {
      this.#publisher.unpublish(gone)
      drivers.detach(gone, inside)
    }
    const others = before.endpoints.filter((candidate) => !leaving.includes(candidate))
    const record = this.#settle({ ...before, endpoints: others }, inside, { fresh: false })
    if (!usesEmbeddedDns(record, this.#parts.context)) this.#parts.nameServers.close(containerId)
    store.putSandbox(record)
    for (const gone of leaving) await this.#planner.giveBack(gone)
    await this.#parts.firewall.settled()
    for (const gone of leaving) this.#tell('disconnect', record, gone)
    return viewSandbox(record, this.#parts.context)
  }

  async republish(containerId: string, change: PortChange): Promise<Sandbox> {
    await this.#parts.ready()
    const before = this.#existing(containerId)
    const { portBindings, exposedPorts } = change
    const request = { ...before.request, portBindings, exposedPorts }
    checkWishes(portWishes(request))
    const publishing = this.#gateways(before)
    const endpoint =
      before.endpoints.find(({ id }) => publishing.some((gateway) => gateway.id === id)) ?? null
    const network = endpoint === null ? null : this.#parts.store.network(endpoint.networkId)
    if (endpoint !== null && network !== null) this.#parts.drivers.allowHairpin(network, endpoint)
    const record = this.#publisher.republish({ ...before, request }, endpoint, change)
    await this.#parts.firewall.settled()
    return viewSandbox(record, this.#parts.context)
  }

  rename(containerId: string, newName: string): void {
    const record = this.#parts.store.sandbox(containerId)
    if (record === null) return
    const endpoints = record.endpoints.map((endpoint) => ({
      ...endpoint,
      dnsNames: endpoint.dnsNames.map((name) => (name === record.containerName ? newName : name)),
    }))
    const request = { ...record.request, containerName: newName }
    this.#parts.store.putSandbox({ ...record, containerName: newName, request, endpoints })
    this.#parts.overlay.changed()
  }

  onHostsChanged(listener: (containerId: string, hosts: string) => void): void {
    this.#hostsListener = listener
  }

  /** After a restart: serves names and ports of a sandbox that lives on. What cannot be had again is logged: the container runs on without. */
  adopt(record: SandboxRecord): void {
    const { log, nameServers } = this.#parts
    for (const endpoint of record.endpoints) {
      const network = this.#parts.store.network(endpoint.networkId)
      if (network !== null) this.#parts.drivers.adopt(network, endpoint)
      this.#publisher.adopt(record, endpoint)
    }
    if (record.netnsPath === null || !usesEmbeddedDns(record, this.#parts.context)) return
    try {
      using inside = new LinkInside(record.netnsPath)
      nameServers.open(record, inside, { fresh: false })
    } catch (error) {
      log.warn('cannot serve names again', { container: record.containerId, reason: messageOf(error) })
    }
  }

  /** Waits for the firewall; a sandbox without its rules is none. */
  async #inForce(record: SandboxRecord): Promise<void> {
    try {
      await this.#parts.firewall.settled()
    } catch (error) {
      await this.#parts.foreign.leaveNamespace(record.endpoints)
      await this.#unmake(record)
      throw error
    }
  }

  #findIfThere(ref: string): NetworkRecord | null {
    try {
      return this.#parts.resolve(ref)
    } catch (error) {
      if (error instanceof NotFoundError) return null
      throw error
    }
  }

  #share(request: SandboxRequest, otherId: string): Sandbox {
    const other = this.#parts.store.sandbox(otherId)
    if (other === null) throw new ConflictError(`cannot join network of a non running container: ${otherId}`)
    const view = viewSandbox(other, this.#parts.context)
    return { ...view, endpoints: {}, ports: {}, hosts: null, resolvConf: null }
  }

  #existing(containerId: string): SandboxRecord {
    const record = this.#parts.store.sandbox(containerId)
    if (record === null) throw new NotFoundError(`container ${containerId} has no network sandbox`)
    return record
  }

  #needsNetnsFirst({ mode }: SandboxRequest): boolean {
    if (mode.kind !== 'networks') return false
    return [mode.primary, ...Object.keys(mode.endpoints)].some(
      (ref) => this.#findIfThere(ref)?.driver === 'cni',
    )
  }

  #netnsPath(sandboxId: string): string {
    return join(this.#parts.execRoot, 'netns', sandboxId.slice(0, 12))
  }

  async #plan(request: SandboxRequest, sandboxId: string): Promise<EndpointRecord[]> {
    const { store } = this.#parts
    try {
      const endpoints = await this.#planner.plan(request, this.#netnsPath(sandboxId))
      // Removed while the planner waited for the cluster.
      const lost = endpoints.find((endpoint) => store.network(endpoint.networkId) === null)
      if (lost === undefined) return endpoints
      for (const endpoint of endpoints) await this.#planner.giveBack(endpoint)
      throw new NotFoundError(`network ${lost.networkId} not found`)
    } catch (error) {
      removeNetns(this.#netnsPath(sandboxId))
      throw error
    }
  }

  async #build(
    request: SandboxRequest,
    options: { readonly sandboxId: string; readonly endpoints: readonly EndpointRecord[] },
  ): Promise<SandboxRecord> {
    const { store } = this.#parts
    const { sandboxId, endpoints } = options
    const isHost =
      request.mode.kind === 'host' || endpoints.some((endpoint) => endpoint.networkName === 'host')
    const planned: SandboxRecord = {
      containerId: request.containerId,
      containerName: request.containerName,
      sandboxId,
      request,
      netnsPath: isHost ? null : this.#netnsPath(sandboxId),
      endpoints,
    }
    store.putSandbox(planned)
    failpointSync('network.sandbox.recorded')
    try {
      return this.#make(planned)
    } catch (error) {
      await this.#parts.foreign.leaveNamespace(endpoints)
      await this.#unmake(store.sandbox(request.containerId) ?? planned)
      throw error
    }
  }

  #make(planned: SandboxRecord): SandboxRecord {
    if (planned.netnsPath === null) return planned
    const isThere = existsSync(planned.netnsPath)
    if (!isThere) createNetns(planned.netnsPath, prepareNetns)
    failpointSync('network.sandbox.netns-made')
    using inside = new LinkInside(planned.netnsPath)
    if (isThere) inside.run(prepareNetns)
    for (const endpoint of planned.endpoints) this.#attach(planned, endpoint, inside)
    failpointSync('network.sandbox.attached')
    return this.#settle(planned, inside, { fresh: true })
  }

  #attach(record: SandboxRecord, endpoint: EndpointRecord, inside: LinkInside): void {
    const network = this.#parts.store.network(endpoint.networkId)
    const publishes = portWishes(record.request).length > 0
    if (network !== null) this.#parts.drivers.attach(network, endpoint, { inside, publishes })
  }

  /**
   * Brings what follows from all endpoints together into line: default routes, published ports (they are at the endpoint with the default
   * route), names. Returns the record as written.
   */
  #settle(record: SandboxRecord, inside: LinkInside, options: { readonly fresh: boolean }): SandboxRecord {
    const { store, context, nameServers } = this.#parts
    const networkOf = (id: string): NetworkRecord | null => store.network(id)
    const publishing = new Set<string>()
    for (const family of [4, 6] as const) {
      const endpoint = gatewayEndpoint(record.endpoints, { family, networkOf })
      const network = endpoint === null ? null : store.network(endpoint.networkId)
      const address = endpoint === null || network === null ? null : gatewayAt(endpoint, network, family)
      const isOnLink = network !== null && isRoutedByLink(network)
      if (endpoint === null || endpoint.ifname === null || (address === null && !isOnLink)) {
        if (!options.fresh) inside.setGateway(family, null)
      } else inside.setGateway(family, { ifname: endpoint.ifname, address })
      if (endpoint !== null) publishing.add(endpoint.id)
    }
    const settled = this.#publisher.publishAt(record, publishing)
    if (usesEmbeddedDns(settled, context)) nameServers.open(settled, inside, options)
    return settled
  }

  /** The endpoints with the default routes. */
  #gateways(record: SandboxRecord): EndpointRecord[] {
    const networkOf = (id: string): NetworkRecord | null => this.#parts.store.network(id)
    return ([4, 6] as const)
      .map((family) => gatewayEndpoint(record.endpoints, { family, networkOf }))
      .filter((endpoint) => endpoint !== null)
  }

  /** Gives everything of a sandbox back, whatever of it there is, then forgets it. */
  async #unmake(record: SandboxRecord): Promise<void> {
    const { store, drivers, nameServers, log } = this.#parts
    const attempt = (what: string, work: () => void): void => {
      try {
        work()
      } catch (error) {
        log.warn('cannot release a part of a network sandbox', {
          container: record.containerId,
          what,
          reason: messageOf(error),
        })
      }
    }
    nameServers.close(record.containerId)
    using inside = openInside(record)
    for (const endpoint of record.endpoints) {
      attempt('ports', () => this.#publisher.unpublish(endpoint))
      attempt('link', () => drivers.detach(endpoint, inside))
    }
    if (record.netnsPath !== null) {
      const { netnsPath } = record
      attempt('namespace', () => removeNetns(netnsPath))
    }
    store.deleteSandbox(record.containerId)
    await Promise.all(record.endpoints.map((endpoint) => this.#planner.giveBack(endpoint)))
  }

  #tell(action: 'connect' | 'disconnect', record: SandboxRecord, endpoint: EndpointRecord): void {
    const network = this.#parts.store.network(endpoint.networkId)
    const attributes = {
      container: record.containerId,
      name: endpoint.networkName,
      type: network?.plugin ?? network?.driver ?? '',
    }
    this.#parts.events.network({ action, id: endpoint.networkId, attributes })
  }

  /** Containers of the default bridge that are linked to this one have its address in their hosts files. */
  #tellLinks(changed: SandboxRecord): void {
    if (changed.endpoints.every((endpoint) => endpoint.networkName !== 'bridge')) return
    for (const record of this.#parts.store.sandboxes()) {
      if (record.request.links.every((link) => link.containerId !== changed.containerId)) continue
      if (record.containerId !== changed.containerId) {
        this.#hostsListener(record.containerId, hostsText(record, this.#parts.context))
      }
    }
  }
}

/** What dockerd puts before every reason why a container has no network when it starts. */
function inDockersWords(error: unknown): unknown {
  for (const Class of [
    PublishError,
    PermissionDeniedError,
    InvalidArgumentError,
    NotFoundError,
    ConflictError,
  ]) {
    if (error instanceof Class) {
      return new Class(`failed to set up container networking: ${error.message}`, { cause: error })
    }
  }
  return error
}
