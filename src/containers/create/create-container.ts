import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { failpoint } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { phase } from '#base/trace.ts'
import { InvalidArgumentError, NotFoundError, messageOf } from '#errors/errors.ts'
import type { ImageRecord } from '#images/image-service.ts'
import type { ContainerCreateResponse } from '#spec/docker/container.ts'
import type { ContainerCreateOptions } from '#spec/docker/options.ts'
import type { ContainerCreateRequest } from '#spec/docker/requests.ts'
import { containerPaths } from '../container-paths.ts'
import { publishContainerEvent } from '../container-events.ts'
import type { ContainerContext } from '../context.ts'
import { idMapOf, validateRemapped } from '../id-map-of.ts'
import { checkOnFailure } from '../health/on-failure.ts'
import { imageMountIds, prepareImageMount } from '../image-mounts.ts'
import { parseLinks } from '../links.ts'
import type { ContainerRecord } from '../records.ts'
import { sandboxRequest } from '../start/network-request.ts'
import { initialStatus, unfinishedStatus } from '../state.ts'
import { timestamp } from '../timestamp.ts'
import { copyUp } from './copy-up.ts'
import { withDefaults } from './defaults.ts'
import { endpointsOf } from './endpoints.ts'
import { mergeConfig } from './merge.ts'
import { generateName, parseName } from './names.ts'
import { registerMounts } from './register-mounts.ts'
import { validateConfig } from './validate-config.ts'
import { validateHostConfig } from './validate-host-config.ts'
import { validateCgroupParent, validateResources } from './validate-resources.ts'
import { createWarnings } from './warnings.ts'

/**
 * Makes containers. Everything that can be refused is refused before anything is made; then the record is written, then
 * what it owns is made, and what a client was told of survives the loss of power.
 */
export class Creation {
  readonly #context: ContainerContext

  constructor(context: ContainerContext) {
    this.#context = context
  }

  /** `POST /containers/create`. @throws NotFoundError `No such image: …`, InvalidArgumentError, ConflictError for the name */
  async create(
    request: ContainerCreateRequest,
    options: ContainerCreateOptions,
  ): Promise<ContainerCreateResponse> {
    using _ = phase('containers.create')
    const { records, images } = this.#context
    const { HostConfig: userHost, NetworkingConfig: networking, ...userConfig } = request
    const id = newId()
    const name =
      options.name === '' ? generateName(id, (text) => records.isNameFree(text)) : parseName(options.name)
    if (!userConfig.Image) {
      const isEmpty = (userConfig.Cmd?.length ?? 0) + (userConfig.Entrypoint?.length ?? 0) === 0
      throw new InvalidArgumentError(isEmpty ? 'no command specified' : 'invalid reference format')
    }
    const image = images.get(userConfig.Image, { platform: options.platform })
    const draft = this.#draft({
      id,
      name,
      image,
      request: { userConfig, userHost: userHost ?? {}, networking: networking ?? {} },
    })
    await this.#context.logDrivers.check(draft.hostConfig.LogConfig ?? {})
    records.reserve(name, id)
    try {
      const record = await this.#make(draft, image, options)
      publishContainerEvent(this.#context.events, record, { action: 'create' })
      const { features } = this.#context.runtime.info
      return { Id: id, Warnings: createWarnings(record, { image, platform: options.platform, features }) }
    } finally {
      records.unreserve(name, id)
    }
  }

  /** The record as it will be, mounts aside; all of the request checked. */
  #draft(input: {
    id: string
    name: string
    image: ImageRecord
    request: {
      userConfig: Omit<ContainerCreateRequest, 'HostConfig' | 'NetworkingConfig'>
      userHost: NonNullable<ContainerCreateRequest['HostConfig']>
      networking: NonNullable<ContainerCreateRequest['NetworkingConfig']>
    }
  }): ContainerRecord {
    const { id, name, image } = input
    const { userConfig, userHost, networking } = input.request
    const { records, snapshots, defaults, networks } = this.#context
    validateHostConfig(userHost, userConfig)
    validateRemapped(userHost, defaults)
    validateCgroupParent(userHost, this.#context.runtime.info.cgroupDriver)
    validateResources(userHost, { update: false, features: this.#context.runtime.info.features })
    const host = withDefaults(userHost, defaults)
    const { MacAddress, ...ownConfig } = userConfig as typeof userConfig & { MacAddress?: string | null }
    const merged = mergeConfig(ownConfig, image.config.config ?? {})
    validateConfig(merged)
    checkOnFailure(merged.Labels ?? {})
    const config = { ...merged, Hostname: hostnameOf(merged.Hostname ?? '', host, id) }
    const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
    const draft: ContainerRecord = {
      id,
      name,
      createdAt: timestamp(),
      image: userConfig.Image ?? '',
      imageId: image.id,
      path: command[0] ?? '',
      args: command.slice(1),
      config,
      hostConfig: host,
      endpoints: endpointsOf(host, networking),
      mounts: [],
      links: isDefaultBridge(host) ? parseLinks(host.Links ?? [], records) : [],
      macAddress: MacAddress ?? null,
      driver: snapshots.driver.name,
      state: initialStatus,
      restartCount: 0,
      stoppedByUser: false,
      logPath:
        host.LogConfig?.Type === 'json-file' ? containerPaths(this.#context.directory, id).jsonLog : '',
    }
    if (!Object.hasOwn(this.#context.runtime.info.runtimes, host.Runtime ?? '')) {
      throw new InvalidArgumentError(`unknown or invalid runtime name: ${String(host.Runtime)}`)
    }
    for (const mode of [host.PidMode ?? '', host.IpcMode ?? '']) {
      if (mode.startsWith('container:')) peerOf(mode.slice('container:'.length), records)
    }
    checkNetwork(draft, { records, networks })
    return draft
  }

  async #make(
    draft: ContainerRecord,
    image: ImageRecord,
    options: ContainerCreateOptions,
  ): Promise<ContainerRecord> {
    const { records, snapshots, volumes } = this.#context
    const { id } = draft
    // `removing` until all is made: a daemon that dies meanwhile sweeps it at the next start.
    const unfinished: ContainerRecord = { ...draft, state: unfinishedStatus }
    let record = records.insertHidden(unfinished)
    await failpoint('containers.create.after-record')
    try {
      const [mounts] = await Promise.all([
        registerMounts(
          { config: draft.config, host: draft.hostConfig },
          {
            volumes,
            readOnlyDepth: options.readOnlyNonRecursive === true ? 'top' : 'best',
            dataRoot: dirname(this.#context.directory),
            container: (reference) => peerOf(reference, records),
            image: (reference) => this.#context.images.get(reference),
          },
        ),
        snapshots.prepare(id, {
          layers: image.layers,
          storageOptions: draft.hostConfig.StorageOpt ?? {},
          mapped: idMapOf(draft, this.#context.defaults) !== null,
        }),
      ])
      await failpoint('containers.create.after-snapshot')
      record = { ...draft, mounts }
      for (const mount of mounts) if (mount.type === 'volume') volumes.use(mount.name, id)
      for (const mount of mounts)
        if (mount.type === 'image') await prepareImageMount(this.#context, { record, mount })
      await copyUp(this.#context, record)
      mkdirSync(containerPaths(this.#context.directory, id).directory, { recursive: true, mode: 0o710 })
      records.reveal(record)
      await failpoint('containers.create.before-durable')
      await records.durable()
      this.#warm(id)
      return record
    } catch (error) {
      for (const mount of record.mounts) {
        if (mount.type !== 'volume') continue
        volumes.release(mount.name, id)
        // Another's, by --volumes-from, is in use and stays.
        if (mount.anonymous) await volumes.remove(mount.name, { force: true }).catch(() => {})
      }
      await snapshots.remove(id).catch((cause: unknown) =>
        this.#context.logger.warn('undo the creation of a container', {
          container: id,
          error: messageOf(cause),
        }),
      )
      for (const mounted of imageMountIds(record)) await snapshots.remove(mounted).catch(() => {})
      records.delete(id)
      throw error
    }
  }

  /** Mounts the root ahead of the start that most often follows; nobody sees it, and a failure shows at the start. */
  #warm(id: string): void {
    setImmediate(() => {
      if (this.#context.records.find(id) !== null) this.#context.snapshots.mount(id).catch(() => {})
    })
  }
}

function hostnameOf(
  wanted: string,
  host: { NetworkMode?: string | null; UTSMode?: string | null },
  id: string,
): string {
  if (wanted !== '') return wanted
  if (host.NetworkMode?.startsWith('container:') === true) return ''
  return host.NetworkMode === 'host' || host.UTSMode === 'host' ? hostname() : id.slice(0, 12)
}

/** As in Docker, whose network is joined need not exist before the start. */
function checkNetwork(
  draft: ContainerRecord,
  { records, networks }: Pick<ContainerContext, 'records' | 'networks'>,
): void {
  const peer = (reference: string): { readonly id: string; readonly name: string } => {
    try {
      return records.resolve(reference)
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      return { id: '', name: reference }
    }
  }
  networks.check(sandboxRequest(draft, peer))
}

/** Another container that the request names. That it is missing is no 404: clients would go and pull the image. */
function peerOf(reference: string, records: ContainerContext['records']): ContainerRecord {
  try {
    return records.resolve(reference)
  } catch (cause) {
    if (!(cause instanceof NotFoundError)) throw cause
    throw new InvalidArgumentError(cause.message, { cause })
  }
}

/** Elsewhere links are a matter of each network's endpoint, and need not lead anywhere yet. */
function isDefaultBridge(host: { readonly NetworkMode?: string | null }): boolean {
  return ['', 'default', 'bridge'].includes(host.NetworkMode ?? '')
}
