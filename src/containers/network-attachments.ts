import { writeFileSync } from 'node:fs'
import { ConflictError, InvalidArgumentError, NotFoundError, PermissionDeniedError } from '#errors/errors.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import { containerPaths } from './container-paths.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import { isAlive } from './state.ts'

/** `docker network connect` and `disconnect`: of running containers at once, of others at their next start. */
export class NetworkAttachments {
  readonly #context: ContainerContext

  constructor(context: ContainerContext) {
    this.#context = context
    context.networks.onHostsChanged((containerId, hosts) => this.#writeHosts(containerId, hosts))
  }

  /** @throws NotFoundError, PermissionDeniedError, ConflictError in Docker's words */
  async connect(
    network: string,
    request: { Container: string; EndpointConfig?: EndpointSettings | null },
  ): Promise<void> {
    const { records, networks } = this.#context
    const { name } = networks.resolve(network)
    const { id } = records.resolve(request.Container)
    using _held = await this.#context.locks.acquire(id)
    const record = records.get(id)
    if (record.state.status === 'removing' || record.state.status === 'dead') {
      throw new ConflictError(
        `container ${id} is marked for removal and cannot be connected or disconnected to the network`,
      )
    }
    const mode = record.hostConfig.NetworkMode ?? ''
    if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) {
      throw new InvalidArgumentError(
        mode === 'host'
          ? 'cannot connect container to host network - container must be created with host networking mode'
          : 'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      )
    }
    if (this.#endpointName(record, network) !== null) {
      throw new PermissionDeniedError(`endpoint with name ${record.name} already exists in network ${name}`)
    }
    const endpoint = request.EndpointConfig ?? {}
    if (isAlive(record.state)) {
      const sandbox = await networks.connect(id, { network, endpoint })
      if (sandbox.hosts !== null) this.#writeHosts(id, sandbox.hosts)
    }
    records.redefine(id, { endpoints: { ...record.endpoints, [name]: endpoint } })
    await records.durable()
  }

  /** @throws NotFoundError, PermissionDeniedError in Docker's words */
  async disconnect(network: string, request: { Container: string; Force?: boolean | null }): Promise<void> {
    const { records, networks } = this.#context
    const force = request.Force === true
    const { name } = networks.resolve(network)
    const id = this.#find(request.Container, force)
    if (id === null) {
      // What a container left behind that is gone.
      await networks.disconnect(request.Container, { network, force }).catch((cause: unknown) => {
        if (!(cause instanceof NotFoundError)) throw cause
        throw new NotFoundError(`endpoint ${request.Container} not found`, { cause })
      })
      return
    }
    using _held = await this.#context.locks.acquire(id)
    const record = records.get(id)
    const known = this.#endpointName(record, network)
    if (isAlive(record.state)) {
      const sandbox = await networks.disconnect(id, { network, force })
      if (sandbox.hosts !== null) this.#writeHosts(id, sandbox.hosts)
    } else if (known === null) {
      throw new PermissionDeniedError(`container ${id} is not connected to network ${name}`)
    }
    if (known === null) return
    const { [known]: _gone, ...endpoints } = record.endpoints
    records.redefine(id, { endpoints })
    await records.durable()
  }

  #find(reference: string, force: boolean): string | null {
    try {
      return this.#context.records.resolve(reference).id
    } catch (error) {
      if (force && error instanceof NotFoundError) return null
      throw error
    }
  }

  /** The name under which the container knows the network, or null. Users name networks by id as well. */
  #endpointName(record: ContainerRecord, network: string): string | null {
    const { networks } = this.#context
    const { id } = networks.resolve(network)
    const idOf = (name: string): string | null => {
      try {
        return networks.resolve(name).id
      } catch {
        return null
      }
    }
    return Object.keys(record.endpoints).find((name) => idOf(name) === id) ?? null
  }

  /** In place: the file is mounted into the container, a new one would not be seen. */
  #writeHosts(containerId: string, hosts: string): void {
    writeFileSync(containerPaths(this.#context.directory, containerId).hosts, hosts)
  }
}
