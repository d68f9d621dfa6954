import { timestamp } from '#containers/timestamp.ts'
import { LOG_DRIVER_NAMES } from '#containers/logs/log-drivers.ts'
import { readdirSync } from 'node:fs'
import { availableParallelism, hostname, totalmem } from 'node:os'
import type {
  DiskUsage,
  DiskUsageKinds,
  ContainerQueries,
  StorageProblem,
  SystemBackend,
  VersionFacts,
} from '#api/backends.ts'
import type { Builder } from '#builder/builder.ts'
import type { Events } from '#events/events.ts'
import type { ImageService } from '#images/open-images.ts'
import { checkStorage } from '#images/check.ts'
import type { Storage } from '#images/storage.ts'
import type { Runtime } from '#runtime/runtime.ts'
import type { DataUsage } from '#spec/data-usage.ts'
import { noFilters } from '#spec/docker/filters.ts'
import type { EventsOptions } from '#spec/docker/options.ts'
import type { EventMessage, SystemInfo } from '#spec/docker/system.ts'
import type { Blobs } from '#store/blobs.ts'
import type { GarbageRoots } from '#store/garbage.ts'
import type { Plugins } from '#plugins/plugins.ts'
import type { Volumes } from '#volumes/volumes.ts'
import type { DaemonConfig, ReloadableConfig } from './config.ts'
import { measureData } from './data-usage.ts'
import { daemonId } from './daemon-id.ts'
import * as machine from './machine-facts.ts'
import { registryInfo } from './registry-config.ts'
import { PRODUCT_VERSION } from './version.ts'

export interface SystemDependencies {
  readonly config: DaemonConfig
  readonly containers: ContainerQueries
  readonly images: ImageService
  readonly storage: Storage
  readonly volumes: Volumes
  readonly plugins: Plugins
  readonly builder: Builder
  readonly runtime: Runtime
  readonly events: Events
  readonly blobs: Blobs
  readonly roots: readonly GarbageRoots[]
}

/** Log drivers that containers can be given; `docker info` lists them. */

/** What the daemon says of itself and of its machine. */
export class DaemonSystem implements SystemBackend {
  readonly #of: SystemDependencies
  readonly #id: string
  #reloadable: ReloadableConfig

  constructor(dependencies: SystemDependencies) {
    this.#of = dependencies
    this.#id = daemonId(dependencies.config.dataRoot)
    this.#reloadable = dependencies.config
  }

  /** The daemon's own id. */
  get id(): string {
    return this.#id
  }

  /** What SIGHUP changed is shown from now on. */
  reload(config: ReloadableConfig): void {
    this.#reloadable = config
  }

  async version(): Promise<VersionFacts> {
    return {
      version: PRODUCT_VERSION,
      gitCommit: '',
      buildTime: '',
      kernelVersion: machine.kernelVersion(),
      arch: machine.ociArchitecture(),
      experimental: this.#of.config.experimental,
      components: [{ Name: 'Node.js', Version: process.version, Details: { V8: process.versions.v8 } }],
    }
  }

  async check(options: {
    readonly repair: boolean
    readonly signal: AbortSignal
  }): Promise<readonly StorageProblem[]> {
    const { storage, blobs, roots, images } = this.#of
    return await checkStorage(
      { ...storage, blobs, roots, blobsOf: (diffId) => images.blobsOf(diffId) },
      options,
    )
  }

  dataUsage(options: { readonly signal: AbortSignal }): Promise<DataUsage> {
    return measureData({ ...this.#of, dataRoot: this.#of.config.dataRoot }, options)
  }

  async diskUsage(kinds: DiskUsageKinds): Promise<DiskUsage> {
    const { images, containers, volumes, builder } = this.#of
    const signal = new AbortController().signal
    const [imageUsage, containerUsage, volumeUsage] = await Promise.all([
      kinds.images ? images.diskUsage() : null,
      kinds.containers ? containers.list({ all: true, limit: null, size: true, filters: noFilters }) : null,
      kinds.volumes ? volumes.diskUsage(signal) : null,
    ])
    return {
      layersSizeBytes: imageUsage?.layersSizeBytes ?? 0,
      images: imageUsage?.images ?? null,
      containers: containerUsage,
      volumes: volumeUsage,
      buildCache: kinds.buildCache ? builder.diskUsage() : null,
    }
  }

  events(options: EventsOptions): AsyncIterable<EventMessage> {
    return this.#of.events.subscribe(options)
  }

  async info(): Promise<SystemInfo> {
    const { config, containers, images, storage, runtime, events, volumes } = this.#of
    const counts = containers.counts()
    const { info } = runtime
    const limits = info.features
    const system = machine.operatingSystem()
    const { name: Driver, status: DriverStatus } = storage.snapshots.driver
    return {
      ID: this.#id,
      Containers: counts.running + counts.paused + counts.stopped,
      ContainersRunning: counts.running,
      ContainersPaused: counts.paused,
      ContainersStopped: counts.stopped,
      Images: images.count(),
      Driver,
      DriverStatus,
      Plugins: {
        Volume: volumes.drivers(),
        Network: [
          'bridge',
          'cni',
          'host',
          'ipvlan',
          'macvlan',
          'null',
          'overlay',
          ...this.#of.plugins.active('NetworkDriver'),
        ],
        Authorization: config.authorizationPlugins.length === 0 ? null : config.authorizationPlugins,
        Log: LOG_DRIVER_NAMES,
      },
      MemoryLimit: limits.memoryLimit,
      SwapLimit: limits.swapLimit,
      CpuCfsPeriod: limits.cpuCfsPeriod,
      CpuCfsQuota: limits.cpuCfsQuota,
      CPUShares: limits.cpuShares,
      CPUSet: limits.cpuSet,
      PidsLimit: limits.pidsLimit,
      OomKillDisable: limits.oomKillDisable,
      IPv4Forwarding: machine.forwardsIpv4(),
      Debug: this.#reloadable.debug,
      NFd: readdirSync('/proc/self/fd').length,
      // Goroutines are what keeps a Go daemon busy; here that is handles and requests under way.
      NGoroutines: process.getActiveResourcesInfo().length,
      // As fine as the times of events, which clients compare it with.
      SystemTime: timestamp(),
      LoggingDriver: config.logDriver,
      CgroupDriver: info.cgroupDriver,
      CgroupVersion: info.cgroupVersion,
      NEventsListener: events.listeners,
      KernelVersion: machine.kernelVersion(),
      OperatingSystem: system.name,
      OSVersion: system.version,
      OSType: 'linux',
      Architecture: machine.machineName(),
      IndexServerAddress: 'https://index.docker.io/v1/',
      RegistryConfig: registryInfo(this.#reloadable),
      NCPU: availableParallelism(),
      MemTotal: totalmem(),
      GenericResources: null,
      DockerRootDir: config.dataRoot,
      HttpProxy: maskPassword(config.proxies.http),
      HttpsProxy: maskPassword(config.proxies.https),
      NoProxy: config.proxies.noProxy ?? '',
      Name: hostname(),
      Labels: this.#reloadable.labels,
      ExperimentalBuild: config.experimental,
      ServerVersion: PRODUCT_VERSION,
      Runtimes: runtimesOf(info.runtimes),
      DefaultRuntime: info.defaultRuntime,
      Swarm: SWARM_INACTIVE,
      LiveRestoreEnabled: true,
      Isolation: '',
      InitBinary: info.initBinary ?? '',
      ContainerdCommit: { ID: '' },
      RuncCommit: { ID: '' },
      InitCommit: { ID: '' },
      SecurityOptions: securityOptions(config, info),
      ...(config.addressPools !== null && {
        DefaultAddressPools: config.addressPools.map(({ base, size }) => ({ Base: base, Size: size })),
      }),
      FirewallBackend: { Driver: config.firewallBackend },
      CDISpecDirs: config.cdiSpecDirs,
      Warnings: warningsOf(limits, config),
    }
  }
}

const SWARM_INACTIVE = {
  NodeID: '',
  NodeAddr: '',
  LocalNodeState: 'inactive',
  ControlAvailable: false,
  Error: '',
  RemoteManagers: null,
}

function runtimesOf(runtimes: Runtime['info']['runtimes']): NonNullable<SystemInfo['Runtimes']> {
  return Object.fromEntries(
    Object.entries(runtimes).map(([name, { path, args }]) => [
      name,
      { path, ...(args.length > 0 && { runtimeArgs: args }) },
    ]),
  )
}

function securityOptions(config: DaemonConfig, info: Runtime['info']): string[] {
  const options: string[] = []
  if (info.apparmor) options.push('name=apparmor')
  if (info.seccomp) options.push(`name=seccomp,profile=${config.seccompProfile ?? 'builtin'}`)
  if (info.cgroupVersion === '2' && config.cgroupnsMode !== 'host') options.push('name=cgroupns')
  if (config.remap !== null) options.push('name=userns')
  if (config.noNewPrivileges) options.push('name=no-new-privileges')
  return options
}

function warningsOf(limits: Runtime['info']['features'], config: DaemonConfig): string[] | null {
  const warnings: string[] = []
  if (!limits.memoryLimit) warnings.push('WARNING: No memory limit support')
  if (!limits.swapLimit) warnings.push('WARNING: No swap limit support')
  if (!limits.cpuCfsQuota) warnings.push('WARNING: No cpu cfs quota support')
  if (!limits.cpuCfsPeriod) warnings.push('WARNING: No cpu cfs period support')
  if (!limits.cpuShares) warnings.push('WARNING: No cpu shares support')
  if (!limits.cpuSet) warnings.push('WARNING: No cpuset support')
  if (!machine.forwardsIpv4()) warnings.push('WARNING: IPv4 forwarding is disabled')
  for (const host of config.hosts) {
    if (host.startsWith('tcp://') && config.tls?.verify !== true) {
      warnings.push(
        `WARNING: API is accessible on ${host.replace('tcp://', 'http://')} without encryption.\n         Access to the remote API is equivalent to root access on the host.`,
      )
    }
  }
  return warnings.length === 0 ? null : warnings
}

/** Proxies are shown to whoever asks: not their passwords. */
function maskPassword(url: string | null): string {
  return (url ?? '').replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@')
}
