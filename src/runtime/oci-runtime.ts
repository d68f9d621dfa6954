import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger, type Logger } from '#base/logger.ts'
import { phase } from '#base/trace.ts'
import {
  ConflictError,
  InvalidArgumentError,
  messageOf,
  NotFoundError,
  UnavailableError,
} from '#errors/errors.ts'
import type { Cgroups } from '#kernel/cgroups/cgroups.ts'
import { watchProcess } from '#kernel/processes.ts'
import type { HostConfig, Resources } from '#spec/docker/host-config.ts'
import { Bundle, openRuntimePaths, processStartTime, type BundleRecord, type RuntimePaths } from './bundle.ts'
import { DEFAULT_PROFILE, ensureDefaultProfile } from './apparmor.ts'
import { CDI_DIRECTORIES } from './cdi/cdi-devices.ts'
import { ContainerCreation } from './container-creation.ts'
import { ContainerCleanup } from './container-cleanup.ts'
import { containerStats } from './container-stats.ts'
import { EngineInquiry } from './engine-features.ts'
import { type CgroupDriver, cgroupPlace, DEFAULT_SLICE, isSliceName } from './cgroup-place.ts'
import { checkpointByRuntime } from './checkpoint-by-runtime.ts'
import { updateByRuntime } from './update-by-runtime.ts'
import { ExecSessions, type ExecContext } from './exec-sessions.ts'
import { readMachine } from './machine.ts'
import { OciContainer } from './oci-container.ts'
import { findProgram } from './find-program.ts'
import { engineFor, Engines, type Engine, type EngineConfig } from './oci-engines.ts'
import { listProcesses } from './process-list.ts'
import type {
  Attachment,
  ContainerExit,
  CreateRequest,
  ExecProcess,
  ExecRequest,
  PrepareRequest,
  ProcessList,
  Runtime,
  RuntimeInfo,
  RuntimeState,
  RuntimeStats,
  TerminalSize,
} from './runtime.ts'
import { cgroupLimits } from './spec/resources.ts'
import type { SpecMachine } from './spec/spec.ts'
import { startWaiting } from './start-signal.ts'

export interface RuntimeOptions {
  /** The directory for bundles, exit codes and the runtimes' state; made if absent. */
  readonly root: string
  readonly cgroups: Cgroups
  /** The group that containers' groups are made in when HostConfig names none. */
  readonly cgroupParent?: string
  /** Absent: systemd where it runs and cgroup v2 is mounted, as in Docker. */
  readonly cgroupDriver?: CgroupDriver
  readonly defaultRuntime?: string | null
  readonly runtimes?: Readonly<Record<string, EngineConfig>>
  /** A path, or a name to look for. */
  readonly conmon?: string
  readonly initPath?: string | null
  /** The text of `--seccomp-profile`, or `unconfined`. */
  readonly seccompProfile?: string | null
  /** `default-ulimits` and `no-new-privileges`, for containers that do not say otherwise. */
  readonly ulimits?: NonNullable<HostConfig['Ulimits']>
  readonly noNewPrivileges?: boolean
  /** False gives containers the host's time namespace (the feature `time-namespaces`). */
  readonly timeNamespaces?: boolean
  /** `cdi-spec-dirs`: where device vendors describe their devices. */
  readonly cdiDirectories?: readonly string[]
  readonly logger?: Logger
}

const DEFAULT_PARENTS: Readonly<Record<CgroupDriver, string>> = { cgroupfs: '/wharf', systemd: DEFAULT_SLICE }

function defaultDriver({ version }: Cgroups): CgroupDriver {
  // sd_booted(3).
  return version === '2' && existsSync('/run/systemd/system') ? 'systemd' : 'cgroupfs'
}

/** @throws UnavailableError when conmon or the default runtime is not installed */
export function openRuntime(options: RuntimeOptions): Runtime {
  return new OciRuntime(options)
}

/** The machine with its default AppArmor profile in the kernel, where AppArmor is enforced. */
async function withDefaultProfile(
  machine: SpecMachine,
  { directory, logger }: { readonly directory: string; readonly logger: Logger },
): Promise<SpecMachine> {
  if (!machine.apparmor) return machine
  const isLoaded = await ensureDefaultProfile(directory, logger).catch((error: unknown) => {
    logger.error('cannot load the AppArmor profile', { error: messageOf(error) })
    return false
  })
  return { ...machine, apparmorProfile: isLoaded ? DEFAULT_PROFILE : null }
}

/** The runtime on crun, runc or another OCI runtime, with conmon. */
class OciRuntime implements Runtime {
  readonly info: RuntimeInfo
  readonly #cgroups: Cgroups
  readonly #cgroupParent: string
  readonly #cgroupDriver: CgroupDriver
  readonly #paths: RuntimePaths
  readonly #engines: Engines
  readonly #machine: SpecMachine
  readonly #conmon: string
  readonly #cleanup: ContainerCleanup
  readonly #creation: ContainerCreation
  readonly #execs = new ExecSessions()
  readonly #containers = new Map<string, OciContainer>()

  constructor(options: RuntimeOptions) {
    const conmon = findProgram(options.conmon ?? 'conmon')
    if (conmon === null) throw new UnavailableError(`conmon not found: install the package conmon`)
    this.#conmon = conmon
    this.#cgroups = options.cgroups
    this.#cgroupDriver = options.cgroupDriver ?? defaultDriver(options.cgroups)
    this.#cgroupParent = options.cgroupParent ?? DEFAULT_PARENTS[this.#cgroupDriver]
    if (this.#cgroupDriver === 'systemd' && !isSliceName(this.#cgroupParent))
      throw new InvalidArgumentError(
        'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"',
      )
    this.#engines = new Engines(options.runtimes ?? {}, options.defaultRuntime ?? null)
    this.#machine = readMachine(options)
    this.#paths = openRuntimePaths(options.root)
    const logger = options.logger ?? silentLogger
    this.#cleanup = new ContainerCleanup(this.#paths, logger)
    const inquiry = new EngineInquiry(logger)
    // Most containers will want to know: the answer is there before the first one.
    void inquiry.of(this.#engines.get(null))
    this.#creation = new ContainerCreation({
      inquiry,
      timeNamespaces: options.timeNamespaces !== false && existsSync('/proc/self/ns/time'),
      paths: this.#paths,
      engines: this.#engines,
      machine: withDefaultProfile(this.#machine, { directory: this.#paths.temporary, logger }),
      conmon,
      cgroups: options.cgroups,
      cgroupParent: this.#cgroupParent,
      cgroupDriver: this.#cgroupDriver,
      cleanup: this.#cleanup,
      cdiDirectories: options.cdiDirectories ?? CDI_DIRECTORIES,
      logger,
    })
    this.info = {
      defaultRuntime: this.#engines.defaultName,
      runtimes: Object.fromEntries(this.#engines.all.map(({ name, path, args }) => [name, { path, args }])),
      cgroupDriver: this.#cgroupDriver,
      cgroupVersion: options.cgroups.version,
      initBinary: this.#machine.initBinary,
      features: options.cgroups.features,
      seccomp: true,
      apparmor: this.#machine.apparmor,
    }
  }

  prepare(request: PrepareRequest): void {
    this.#creation.prepare(request)
  }

  async create(request: CreateRequest): Promise<{ readonly pid: number }> {
    const { id } = request
    if (this.#containers.has(id)) throw new ConflictError(`container ${id} is already running`)
    const { bundle, record, engine, pid, monitor } = await this.#creation.create(request)
    const container = this.#adopt({ id, bundle, record, engine, pid, monitorEnded: monitor.exited })
    // What is restored runs already.
    container.started = Boolean(request.restore)
    return { pid }
  }

  #adopt(options: {
    readonly id: string
    readonly bundle: Bundle
    readonly record: BundleRecord
    readonly engine: Engine
    readonly pid: number
    readonly monitorEnded: Promise<unknown>
  }): OciContainer {
    const cgroup = this.#cgroups.group(options.record.cgroupPath)
    const container = new OciContainer({ ...options, cgroup, exitsDirectory: this.#paths.exits })
    this.#containers.set(options.id, container)
    return container
  }

  async start(id: string): Promise<void> {
    using _ = phase('runtime.start')
    const container = this.#get(id)
    if (container.started) return
    const stateRoot = this.#stateRoot(container.engine.name)
    await startWaiting({ id, pid: container.pid, engine: container.engine, stateRoot })
    container.started = true
  }

  async exit(id: string): Promise<ContainerExit> {
    return await this.#get(id).exit
  }

  async kill(id: string, signal: number): Promise<void> {
    if (!this.#get(id).signal(signal)) throw new ConflictError(`container ${id} is not running`)
    await Promise.resolve()
  }

  async killAll(id: string): Promise<void> {
    await this.#get(id).cgroup.kill()
  }

  async pause(id: string): Promise<void> {
    const container = this.#get(id)
    await container.cgroup.freeze()
    container.paused = true
  }

  async resume(id: string): Promise<void> {
    const container = this.#get(id)
    await container.cgroup.thaw()
    container.paused = false
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    const container = this.#get(id)
    if (container.ended) throw new ConflictError(`container ${id} is not running`)
    container.resize(size)
    await Promise.resolve()
  }

  async attach(id: string): Promise<Attachment> {
    return await Promise.resolve(this.#get(id).attach())
  }

  async exec(id: string, request: ExecRequest): Promise<ExecProcess> {
    using _ = phase('runtime.exec')
    const container = this.#get(id)
    return await this.#execs.start(container, request, this.#execContext(container.engine.name))
  }

  async resizeExec(id: string, execId: string, size: TerminalSize): Promise<void> {
    await Promise.resolve(this.#execs.resize(id, execId, size))
  }

  async killExec(id: string, execId: string, signal: number): Promise<void> {
    await Promise.resolve(this.#execs.kill(id, execId, signal))
  }

  async update(id: string, resources: Resources): Promise<void> {
    const container = this.#get(id)
    if (container.record.systemd)
      await updateByRuntime(container, { resources, stateRoot: this.#stateRoot(container.engine.name) })
    else container.cgroup.update(cgroupLimits(resources))
  }

  async checkpoint(
    id: string,
    to: { readonly path: string; readonly leavesRunning: boolean },
  ): Promise<void> {
    const container = this.#get(id)
    await checkpointByRuntime(container, { ...to, stateRoot: this.#stateRoot(container.engine.name) })
  }

  state(id: string): RuntimeState {
    const container = this.#get(id)
    const status = container.ended
      ? 'stopped'
      : container.paused
        ? 'paused'
        : container.started
          ? 'running'
          : 'created'
    return { status, pid: container.ended ? 0 : container.pid }
  }

  async pids(id: string): Promise<readonly number[]> {
    return await Promise.resolve(this.#get(id).cgroup.pids())
  }

  async top(id: string, psArguments: string): Promise<ProcessList> {
    return await listProcesses(this.#get(id).cgroup.pids(), psArguments)
  }

  async stats(id: string): Promise<RuntimeStats> {
    return await Promise.resolve(containerStats(this.#get(id).cgroup.stats()))
  }

  pid(id: string): number | null {
    const container = this.#containers.get(id)
    return container === undefined || container.ended ? null : container.pid
  }

  async delete(id: string): Promise<void> {
    await this.#creation.abandon(id)
    const container = this.#containers.get(id)
    if (container === undefined) return await this.#deleteUnknown(id)
    if (!container.ended) {
      container.signal(9)
      await container.cgroup.kill()
      await container.exit
    }
    this.#containers.delete(id)
    container.close()
    this.#cleanup.begin({
      id,
      engine: container.engine,
      cgroup: container.cgroup,
      systemd: container.record.systemd,
    })
  }

  /** A bundle that was never taken up by recover(): its monitor is not waited for. */
  async #deleteUnknown(id: string): Promise<void> {
    await this.#cleanup.finished(id)
    const bundle = new Bundle(join(this.#paths.bundles, id))
    if (!existsSync(bundle.path)) return
    const record = bundle.readRecord()
    const place = cgroupPlace(this.#cgroupDriver, this.#cgroupParent, id)
    this.#cleanup.begin({
      id,
      cgroup: this.#cgroups.group(record?.cgroupPath ?? place.path),
      engine: record === null ? null : this.#engineOf(record),
      systemd: record?.systemd === true,
    })
    await this.#cleanup.finished(id)
  }

  async recover(id: string): Promise<RuntimeState | null> {
    const bundle = new Bundle(join(this.#paths.bundles, id))
    const record = bundle.readRecord()
    const monitor = bundle.readMonitor()
    const engine = record === null ? null : this.#engineOf(record)
    // Without a monitor on record we died while it was being started: nothing was promised to anybody.
    if (record === null || monitor === null || engine === null) return null
    const isAlive = processStartTime(monitor.pid) === monitor.startTime
    const process = isAlive ? watchProcess(monitor.pid, { keepAlive: false }) : null
    const container = this.#adopt({
      id,
      bundle,
      record,
      engine,
      pid: monitor.containerPid,
      monitorEnded: process?.exited ?? Promise.resolve(),
    })
    if (process === null) await container.exit
    container.started = !existsSync(join(this.#stateRoot(engine.name), id, 'exec.fifo'))
    container.paused = container.cgroup.isFrozen()
    return this.state(id)
  }

  async sweep(): Promise<void> {
    const unknown = this.#cleanup.bundleIds().filter((id) => !this.#containers.has(id))
    await Promise.all(unknown.map((id) => this.#deleteUnknown(id)))
    this.#cleanup.removeStrayExits()
  }

  close(): void {
    for (const container of this.#containers.values()) container.close()
  }

  #get(id: string): OciContainer {
    const container = this.#containers.get(id)
    if (container === undefined) throw new NotFoundError(`No such container: ${id}`)
    return container
  }

  /** Null when the runtime is no longer installed or configured. */
  #engineOf(record: BundleRecord): Engine | null {
    const engine = this.#engines.all.find(({ name }) => name === record.engine)
    return engine === undefined ? null : engineFor(engine, record)
  }

  #stateRoot(engineName: string): string {
    return join(this.#paths.states, engineName)
  }

  #execContext(engineName: string): ExecContext {
    return {
      conmon: this.#conmon,
      stateRoot: this.#stateRoot(engineName),
      temporary: this.#paths.temporary,
      allCapabilities: this.#machine.capabilities,
    }
  }
}
