import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ownerOnHost } from '#base/id-map.ts'
import { failpoint } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { phase } from '#base/trace.ts'
import { messageOf } from '#errors/errors.ts'
import type { Cgroups } from '#kernel/cgroups/cgroups.ts'
import { restoreNullDevice } from '#kernel/device-nodes.ts'
import type { SpawnedProcess } from '#kernel/processes.ts'
import { applyEdits } from './cdi/apply-edits.ts'
import { requestedEdits } from './cdi/cdi-devices.ts'
import { Bundle, processStartTime, type BundleRecord, type RuntimePaths, type StdinMode } from './bundle.ts'
import { startMonitor, type Monitor } from './conmon.ts'
import type { ContainerCleanup } from './container-cleanup.ts'
import { giveStreams } from './give-streams.ts'
import { removeCoreLink } from './core-link.ts'
import type { EngineInquiry } from './engine-features.ts'
import { type CgroupDriver, type CgroupPlace, cgroupOfProcess, cgroupPlace } from './cgroup-place.ts'
import { createFailure } from './failure-texts.ts'
import { engineFor, type Engine, type Engines } from './oci-engines.ts'
import type { CreateRequest, PrepareRequest } from './runtime.ts'
import { SeccompCache } from './seccomp-cache.ts'
import type { OciSpec } from './spec/oci-spec.ts'
import { containerSpec, type SpecMachine } from './spec/spec.ts'
import { supportedLimits } from './spec/supported-limits.ts'
import { resolveUser } from './spec/user.ts'
import { readUserDatabase } from './user-database.ts'

/** A container that has just been made and waits for its start. */
export interface CreatedContainer {
  readonly bundle: Bundle
  readonly record: BundleRecord
  readonly engine: Engine
  readonly pid: number
  readonly monitor: SpawnedProcess
}

/** A monitor that waits for its container's configuration. */
interface PreparedMonitor {
  readonly engine: Engine
  readonly bundle: Bundle
  readonly monitor: Monitor
  readonly stdin: StdinMode
}

export interface CreationOptions {
  readonly paths: RuntimePaths
  readonly engines: Engines
  /** Known once the machine's default AppArmor profile is loaded. */
  readonly machine: Promise<SpecMachine>
  readonly conmon: string
  readonly cgroups: Cgroups
  /** The group that containers' groups are made in when HostConfig names none. */
  readonly cgroupParent: string
  readonly cgroupDriver: CgroupDriver
  readonly cleanup: ContainerCleanup
  /** Where device vendors describe their devices. */
  readonly cdiDirectories: readonly string[]
  readonly inquiry: EngineInquiry
  /** Containers get time namespaces, where the runtime has them. */
  readonly timeNamespaces: boolean
  readonly logger: Logger
}

/** Makes containers: the monitor first, then the bundle, then the OCI runtime's `create` through the monitor. */
export class ContainerCreation {
  readonly #options: CreationOptions
  readonly #filters: SeccompCache
  readonly #prepared = new Map<string, Promise<PreparedMonitor>>()

  constructor(options: CreationOptions) {
    this.#options = options
    this.#filters = new SeccompCache(options.paths.filters)
  }

  /** Starts the monitor of a container to come; never throws. */
  prepare(request: PrepareRequest): void {
    const prepared = this.#prepareMonitor(request)
    prepared.catch(() => {})
    this.#prepared.set(request.id, prepared)
  }

  /** Makes the container. After a failure nothing remains. */
  async create(request: CreateRequest): Promise<CreatedContainer> {
    const { id } = request
    if (!this.#prepared.has(id)) this.prepare(request)
    const prepared = this.#prepared.get(id) as Promise<PreparedMonitor>
    using _ = phase('runtime.create')
    try {
      return await this.#createWith(await prepared, request)
    } catch (error) {
      await this.abandon(id)
      throw error
    } finally {
      this.#prepared.delete(id)
    }
  }

  /** Ends a monitor whose container will not be, and removes what it made; fine when there is none. */
  async abandon(id: string): Promise<void> {
    const prepared = await this.#prepared.get(id)?.catch(() => null)
    this.#prepared.delete(id)
    if (prepared === undefined || prepared === null) return
    const { monitor, bundle, engine } = prepared
    const record = bundle.readRecord()
    monitor.process.signal(9)
    monitor.close()
    await monitor.process.exited
    const { cgroups, cleanup } = this.#options
    const path = record?.cgroupPath ?? this.#place(id).path
    cleanup.begin({ id, engine, cgroup: cgroups.group(path), systemd: record?.systemd === true })
  }

  async #prepareMonitor(request: PrepareRequest): Promise<PreparedMonitor> {
    const { id, config } = request
    const { cleanup, engines, paths, conmon } = this.#options
    await cleanup.finished(id)
    using _ = phase('runtime.prepare')
    const asked = engines.get(request.runtime)
    const engine = engineFor(asked, { hasLateHooks: false, systemd: this.#isSystemd })
    const bundle = new Bundle(join(paths.bundles, id))
    bundle.make()
    rmSync(join(paths.exits, id), { force: true })
    // A terminal's input outlives who types on it, whatever StdinOnce says: one may detach and come back.
    const once = config.StdinOnce === true && config.Tty !== true
    const stdin = config.OpenStdin !== true ? 'none' : once ? 'once' : 'kept'
    const monitor = startMonitor({
      conmon,
      engine,
      stateRoot: this.#stateRoot(engine),
      containerId: id,
      bundle: bundle.path,
      pidFile: bundle.pidFile,
      temporary: paths.temporary,
      logPath: request.logPath,
      tty: config.Tty === true,
      stdin: stdin !== 'none',
      keepStdin: stdin === 'kept',
      exitDirectory: paths.exits,
      execSpec: null,
      attach: false,
      restore: request.restore ?? null,
      hold: true,
    })
    return { engine, bundle, monitor, stdin }
  }

  async #createWith(prepared: PreparedMonitor, request: CreateRequest): Promise<CreatedContainer> {
    const { engine, bundle, monitor } = prepared
    const { record, spec } = this.#writeBundle(prepared, {
      asked: request,
      machine: await this.#options.machine,
      timeNamespace: this.#options.timeNamespaces && (await this.#options.inquiry.of(engine)).timeNamespaces,
    })
    await failpoint('runtime.create.bundle-written')
    monitor.release()
    const message = await monitor.next()
    monitor.close()
    if (message === null || message.data <= 0) {
      throw createFailure(engine.name, message?.message ?? '', request.args[0] ?? '')
    }
    restoreNullDevice()
    if (engine.waits === 'reads-fifo' && !request.restore) removeCoreLink(message.data, request.mounts)
    const { user } = request.namespaces
    if (user !== null) giveStreams(monitor.process.pid, ownerOnHost(user, spec.process.user))
    await failpoint('runtime.create.monitor-started')
    const pid = message.data
    const startTime = processStartTime(monitor.process.pid) ?? ''
    bundle.writeMonitor({ pid: monitor.process.pid, startTime, containerPid: pid })
    this.#learnFilter(spec, engine, request.id)
    const kept = record.systemd
      ? { ...record, cgroupPath: cgroupOfProcess(pid) ?? record.cgroupPath }
      : record
    if (kept !== record) bundle.writeRecord(kept)
    return { bundle, record: kept, engine: engineFor(engine, record), pid, monitor: monitor.process }
  }

  #writeBundle(
    { bundle, engine, stdin }: PreparedMonitor,
    {
      asked,
      machine,
      timeNamespace,
    }: { readonly asked: CreateRequest; readonly machine: SpecMachine; readonly timeNamespace: boolean },
  ): { readonly record: BundleRecord; readonly spec: OciSpec } {
    const { cgroups, cdiDirectories } = this.#options
    const { hostConfig } = supportedLimits(asked.hostConfig, cgroups.features)
    const request = { ...asked, hostConfig }
    const { config, id } = request
    const place = this.#place(id, hostConfig.CgroupParent)
    const user = resolveUser(config.User ?? '', hostConfig.GroupAdd ?? [], readUserDatabase(request.rootfs))
    const base = containerSpec(request, {
      machine,
      cgroupPath: place.spec,
      user,
      timeNamespace,
    })
    const spec = applyEdits(base, requestedEdits(hostConfig.DeviceRequests ?? [], cdiDirectories))
    const record: BundleRecord = {
      engine: engine.name,
      cgroupPath: place.path,
      systemd: this.#isSystemd,
      rootfs: request.rootfs,
      tty: config.Tty === true,
      stdin,
      hasLateHooks: spec.hooks?.['poststart'] !== undefined || spec.hooks?.['poststop'] !== undefined,
    }
    bundle.write(this.#filters.apply(spec, engine), record)
    return { record, spec }
  }

  /** Not waited for: the next container is faster for it, this one is not. */
  #learnFilter(spec: OciSpec, engine: Engine, id: string): void {
    const directory = join(this.#stateRoot(engine), id)
    this.#filters.learn(spec, engine, directory).catch((error: unknown) => {
      this.#options.logger.debug('cannot keep the compiled seccomp filter', {
        container: id,
        error: messageOf(error),
      })
    })
  }

  get #isSystemd(): boolean {
    return this.#options.cgroupDriver === 'systemd'
  }

  #place(id: string, parent?: string | null): CgroupPlace {
    const { cgroupDriver, cgroupParent } = this.#options
    return cgroupPlace(cgroupDriver, parent || cgroupParent, id)
  }

  #stateRoot(engine: Engine): string {
    return join(this.#options.paths.states, engine.name)
  }
}
