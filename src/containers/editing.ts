import { failpoint } from '#base/failpoint.ts'
import { ConflictError, InvalidArgumentError } from '#errors/errors.ts'
import type { PublishRequest, Resources, RestartPolicy } from '#spec/docker/host-config.ts'
import type { ContainerUpdateResponse } from '#spec/docker/container.ts'
import { supportedLimits } from '#runtime/spec/supported-limits.ts'
import { parseName } from './create/names.ts'
import { validateRestartPolicy } from './create/validate-host-config.ts'
import { validateResources } from './create/validate-resources.ts'
import { livePorts } from './list/network-view.ts'
import { changePublishing, isPublishing } from './publishing.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import { sandboxRequest } from './start/network-request.ts'
import { isAlive } from './state.ts'

/** Limits that `update` may change; a null or absent one stays as it is. */
const UPDATABLE = [
  'CpuShares',
  'Memory',
  'BlkioWeight',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpusetCpus',
  'CpusetMems',
  'MemoryReservation',
  'MemorySwap',
  'NanoCpus',
  'PidsLimit',
] as const satisfies readonly (keyof Resources)[]

/** Changes of a container's definition: its name, its limits. */
export class Editing {
  readonly #context: ContainerContext

  constructor(context: ContainerContext) {
    this.#context = context
  }

  /** `POST /containers/{id}/rename`. @throws ConflictError when the name is taken; InvalidArgumentError */
  async rename(reference: string, newName: string): Promise<void> {
    const { records, networks, events } = this.#context
    if (newName === '') throw new InvalidArgumentError('Neither old nor new names may be empty')
    const { id } = records.resolve(reference)
    using _held = await this.#context.locks.acquire(id)
    const record = records.get(id)
    const name = parseName(newName)
    if (name === record.name) {
      throw new InvalidArgumentError('Renaming a container with the same name as its current name')
    }
    records.reserve(name, id)
    try {
      const after = records.redefine(id, { name })
      await failpoint('containers.rename.before-durable')
      await records.durable()
      if (isAlive(record.state)) networks.rename(id, name)
      publishContainerEvent(events, after, { action: 'rename', attributes: { oldName: `/${record.name}` } })
    } finally {
      records.unreserve(name, id)
    }
  }

  /** `POST /containers/{id}/update`: limits and published ports at once, the restart policy at the next end. */
  async update(
    reference: string,
    request: Resources & PublishRequest & { readonly RestartPolicy?: RestartPolicy | null },
  ): Promise<ContainerUpdateResponse> {
    const { records, runtime, events } = this.#context
    const { id } = records.resolve(reference)
    using _held = await this.#context.locks.acquire(id)
    const record = records.get(id)
    const { hostConfig } = record
    validateResources(request, { update: true, features: runtime.info.features })
    const policy = request.RestartPolicy?.Name ? request.RestartPolicy : null
    validateRestartPolicy(policy)
    if (policy !== null && hostConfig.AutoRemove === true && policy.Name !== 'no') {
      throw new ConflictError(
        `Cannot update container ${id}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
      )
    }
    const changes = changedLimits(request)
    refuseContradictions(record, changes)
    // The last that may be refused, and nothing is changed then.
    if (isPublishing(request)) await this.#publish(record, request)
    if (isAlive(record.state) && Object.keys(changes).length > 0) await runtime.update(id, changes)
    await failpoint('containers.update.after-cgroup')
    const after = records.redefine(id, {
      hostConfig: {
        ...records.get(id).hostConfig,
        ...changes,
        ...(policy === null ? {} : { RestartPolicy: policy }),
      },
    })
    await records.durable()
    publishContainerEvent(events, after, { action: 'update' })
    return { Warnings: supportedLimits(changes, runtime.info.features).warnings }
  }

  /** Ports of a running container change in the kernel, in its record and in the network's as one; others' at the next start. */
  async #publish(record: ContainerRecord, request: PublishRequest): Promise<void> {
    const { records, networks } = this.#context
    const { id, config, hostConfig } = record
    const change = changePublishing(record, request, livePorts(record, networks))
    const { portBindings, exposedPorts } = change
    const write = (): void => {
      records.redefine(id, {
        hostConfig: { ...hostConfig, PortBindings: portBindings },
        config: { ...config, ExposedPorts: Object.fromEntries(exposedPorts.map((name) => [name, {}])) },
      })
    }
    if (isAlive(record.state)) {
      await networks.republish(id, { ...change, record: write })
      return
    }
    networks.check(
      sandboxRequest({ ...record, hostConfig: { ...hostConfig, PortBindings: portBindings } }, (reference) =>
        records.resolve(reference),
      ),
    )
    write()
  }
}

function changedLimits(request: Resources): Resources {
  const entries = UPDATABLE.flatMap((key) => {
    const value = request[key]
    const unset =
      value === null || value === undefined || value === '' || (value === 0 && key !== 'PidsLimit')
    return unset ? [] : [[key, value] as const]
  })
  return Object.fromEntries(entries)
}

function refuseContradictions(record: ContainerRecord, changes: Resources): void {
  const before = record.hostConfig
  const prefix = `Cannot update container ${record.id}`
  if ((changes.NanoCpus ?? 0) > 0 && (before.CpuPeriod || before.CpuQuota)) {
    throw new InvalidArgumentError(
      `${prefix}: Conflicting options: Nano CPUs cannot be updated as CPU ${before.CpuPeriod ? 'Period' : 'Quota'} has already been set`,
    )
  }
  if ((before.NanoCpus ?? 0) > 0 && (changes.CpuPeriod || changes.CpuQuota)) {
    throw new InvalidArgumentError(
      `${prefix}: Conflicting options: CPU ${changes.CpuPeriod ? 'Period' : 'Quota'} cannot be updated as NanoCPUs has already been set`,
    )
  }
  const memory = changes.Memory ?? 0
  const swap = changes.MemorySwap ?? before.MemorySwap ?? 0
  if (memory > 0 && swap > 0 && memory > swap) {
    throw new InvalidArgumentError(
      `${prefix}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`,
    )
  }
}
