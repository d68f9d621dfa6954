import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Backends } from '#api/backends.ts'
import { mappedRoot } from '#base/id-map.ts'
import type { Logger } from '#base/logger.ts'
import { phase } from '#base/trace.ts'
import { builderSchema } from '#builder/builder-schema.ts'
import { applyConfigChanges } from '#builder/config-changes.ts'
import { openContainers } from '#containers/open-containers.ts'
import type { Containers } from '#containers/open-containers.ts'
import { containerSchema } from '#containers/record-store.ts'
import { createEvents } from '#events/event-log.ts'
import type { Events } from '#events/events.ts'
import { imageSchema } from '#images/image-schema.ts'
import { LAYER_SCHEMA } from '#images/layers/layer-store.ts'
import { openImages } from '#images/open-images.ts'
import type { ImageService } from '#images/open-images.ts'
import { SNAPSHOT_SCHEMA } from '#images/snapshot-store.ts'
import { openStorage } from '#images/storage.ts'
import type { Storage } from '#images/storage.ts'
import { openCgroups } from '#kernel/cgroups/open-cgroups.ts'
import { openUserNamespace } from '#kernel/user-namespaces.ts'
import { networkSchema } from '#network/network-store.ts'
import type { DnsCounts, Networks } from '#network/networks.ts'
import { openNetworks } from '#network/open-networks.ts'
import { clusterSchema } from '#network/overlay/cluster-follower.ts'
import { createRegistryService } from '#registry/registry-service.ts'
import type { RegistryService } from '#registry/registry-service.ts'
import { openPlugins } from '#plugins/open-plugins.ts'
import type { Plugins } from '#plugins/plugins.ts'
import { openRuntime } from '#runtime/oci-runtime.ts'
import type { Runtime } from '#runtime/runtime.ts'
import { openBlobs } from '#store/blobs.ts'
import { openDatabase } from '#store/database.ts'
import { createGarbageCollection } from '#store/garbage.ts'
import type { GarbageRoots } from '#store/garbage.ts'
import { createLeases } from '#store/leases.ts'
import { openVolumes } from '#volumes/open-volumes.ts'
import { volumeSchemas } from '#volumes/volume-store.ts'
import type { Volumes } from '#volumes/volumes.ts'
import { createCommits } from './commits.ts'
import type { DaemonConfig } from './config.ts'
import { daemonId } from './daemon-id.ts'
import { openBuilder } from './open-builder.ts'
import { registryConfig } from './registry-config.ts'
import { DaemonSystem } from './system.ts'

/** Everything that a daemon is made of. */
export interface Daemon {
  readonly backends: Backends
  readonly events: Events
  readonly dnsCounts: () => DnsCounts
  readonly plugins: Plugins
  /** Takes over what SIGHUP can change; what is shown and used from now on. */
  reload(config: DaemonConfig): void
  /** The second part of the start, while the API is served already. */
  recover(): Promise<void>
  /** Lets go of everything; containers go on. */
  close(): Promise<void>
}

interface Parts {
  readonly containers: Containers
  readonly networks: Networks
  readonly volumes: Volumes
  readonly storage: Storage
  readonly runtime: Runtime
}

/** Puts the areas together: the one place where they meet. */
export async function compose(config: DaemonConfig, log: Logger): Promise<Daemon> {
  using _ = phase('daemon.compose')
  const { dataRoot, execRoot } = config
  const database = openDatabase(join(dataRoot, 'wharf.db'), [
    LAYER_SCHEMA,
    SNAPSHOT_SCHEMA,
    imageSchema,
    networkSchema,
    clusterSchema,
    ...volumeSchemas,
    containerSchema,
    builderSchema,
  ])
  const events = createEvents()
  const runtime = openRuntime({
    root: join(execRoot, 'runtime'),
    cgroups: openCgroups(),
    ...(config.cgroupParent !== null && { cgroupParent: config.cgroupParent }),
    ...(config.cgroupDriver !== null && { cgroupDriver: config.cgroupDriver }),
    defaultRuntime: config.defaultRuntime,
    runtimes: config.runtimes,
    initPath: config.initPath,
    seccompProfile: seccompProfile(config),
    cdiDirectories: config.cdiSpecDirs,
    ulimits: config.ulimits,
    noNewPrivileges: config.noNewPrivileges,
    timeNamespaces: config.features['time-namespaces'] !== false,
    logger: log.with({ area: 'runtime' }),
  })
  const storage = openStorage({
    database,
    dataRoot,
    execRoot,
    driver: config.storageDriver,
    remap:
      config.remap === null
        ? null
        : { ids: config.remap.ids, usernsFd: await openUserNamespace(config.remap.ids) },
    log: log.with({ area: 'images' }),
  })
  const plugins = openPlugins({ logger: log.with({ area: 'plugins' }) })
  const networks = openNetworks({
    database,
    execRoot,
    log: log.with({ area: 'network' }),
    events: {
      network: ({ action, id, attributes }) => events.publish({ type: 'network', action, id, attributes }),
    },
    defaultBridge: { ...config.bridge, bridge: config.bridge.name },
    addressPools: config.addressPools,
    networkDefaults: config.networkDefaults,
    dns: config.dns,
    hostGatewayIp: config.hostGatewayIp,
    ipForward: config.ipForward,
    plugins,
    firewallBackend: config.firewallBackend,
    iptables: config.iptables,
    ip6tables: config.ip6tables,
    allowDirectRouting: config.allowDirectRouting,
    userlandProxy: config.userlandProxy,
    cluster:
      config.cluster === null
        ? null
        : { options: config.cluster, hostId: daemonId(dataRoot), hostName: hostname() },
  })
  const volumes = await openVolumes({
    database,
    directory: join(dataRoot, 'volumes'),
    plugins,
    owner: mappedRoot(config.remap?.ids ?? null),
    events,
    logger: log.with({ area: 'volumes' }),
  })
  const blobs = openBlobs(join(dataRoot, 'blobs'))
  const leases = createLeases()
  const roots: GarbageRoots[] = [leases, snapshotRoots(storage)]
  const garbage = createGarbageCollection({ layers: storage.layers, blobs, roots, log })
  storage.snapshots.whenRemoved((layers) => garbage.released(layers))
  // Images and containers need each other; neither asks before both stand.
  let containers: Containers | null = null
  let registry: RegistryService | null = null
  const images: ImageService = openImages({
    database,
    dataRoot,
    blobs,
    layers: storage.layers,
    snapshots: storage.snapshots,
    collect: () => garbage.schedule(),
    users: { usersOf: (image) => containers?.usersOf(image) ?? [] },
    events,
    changer: applyConfigChanges,
    log: log.with({ area: 'images' }),
    registry: (ports) => (registry = createRegistryService(registryConfig(config), ports)),
  })
  roots.push(images.roots)
  containers = openContainers({
    database,
    directory: join(dataRoot, 'containers'),
    images,
    snapshots: storage.snapshots,
    archives: storage.archives,
    volumes,
    networks,
    runtime,
    plugins,
    logEnvironment: config.logEnvironment,
    events,
    logger: log.with({ area: 'containers' }),
    defaults: containerDefaults(config, runtime),
  })
  const { builder, roots: builderRoots } = openBuilder({
    database,
    dataRoot,
    execRoot,
    ids: config.remap?.ids ?? null,
    images,
    storage,
    leases,
    blobs,
    containers: containers.backend,
    collectGarbage: () => garbage.schedule(),
    builderConfig: config.builder,
    log: log.with({ area: 'builder' }),
  })
  roots.push(builderRoots)
  await builder.open()
  const distribution = registry as unknown as RegistryService
  const system = new DaemonSystem({
    config,
    containers: containers.backend,
    images,
    storage,
    volumes,
    plugins,
    builder,
    runtime,
    events,
    blobs,
    roots,
  })
  const parts: Parts = { containers, networks, volumes, storage, runtime }
  return {
    events,
    dnsCounts: () => networks.dnsCounts(),
    backends: {
      containers: containers.backend,
      execs: containers.execs,
      checkpoints: config.experimental ? containers.checkpoints : null,
      images,
      commits: createCommits(containers, images, events),
      distribution,
      networks: networkBackend(networks, containers),
      volumes,
      system,
      builds: builder,
      sessions: builder.sessions,
    },
    plugins,
    reload(next) {
      system.reload(next)
      distribution.reconfigure(registryConfig(next))
      events.publish({ type: 'daemon', action: 'reload', id: system.id, attributes: { name: hostname() } })
    },
    async recover() {
      await recover(parts)
      garbage.schedule()
    },
    async close() {
      await parts.containers.close()
      runtime.close()
      await networks.close()
      distribution.close()
      await garbage.settled()
      await storage.close()
      database.close()
    },
  }
}

/** In the order of who uses whom: what runs, what it stands on, then what goes on with it. */
async function recover({ containers, networks, volumes, storage }: Parts): Promise<void> {
  using _ = phase('daemon.recover')
  const found = await containers.recover()
  try {
    await storage.snapshots.recover(found.liveIds, found.runningIds)
    await volumes.recover(found.runningIds)
    await networks.recover(found.runningIds)
  } finally {
    // Requests that change containers wait for this: it must come, whatever could not be recovered.
    await containers.resume(found)
  }
}

function snapshotRoots(storage: Storage): GarbageRoots {
  const { snapshots } = storage
  return {
    *layers() {
      for (const id of snapshots.ids()) yield* snapshots.layers(id)
    },
    *blobs() {},
    isTransient: true,
  }
}

function networkBackend(networks: Networks, containers: Containers): Backends['networks'] {
  return {
    list: async (filters, options) => networks.list(filters, options),
    inspect: async (name, options) => networks.inspect(name, options),
    create: (request) => networks.create(request),
    remove: (name) => networks.remove(name),
    connect: (name, request) => containers.attachments.connect(name, request),
    disconnect: (name, request) => containers.attachments.disconnect(name, request),
    prune: (filters) => networks.prune(filters),
  }
}

function containerDefaults(
  config: DaemonConfig,
  runtime: Runtime,
): Parameters<typeof openContainers>[0]['defaults'] {
  return {
    logDriver: config.logDriver,
    logOptions: config.logOptions,
    runtime: runtime.info.defaultRuntime,
    shmSizeBytes: config.shmSizeBytes,
    ipcMode: config.ipcMode,
    // dockerd's default: a private namespace where the unified hierarchy is.
    cgroupnsMode: config.cgroupnsMode ?? (runtime.info.cgroupVersion === '2' ? 'private' : 'host'),
    init: config.init,
    stopTimeoutSeconds: 10,
    detachKeys: 'ctrl-p,ctrl-q',
    remap: config.remap?.ids ?? null,
    experimental: config.experimental,
  }
}

/** The text of the profile, not its path: the runtime reads no configuration. */
function seccompProfile({ seccompProfile: path }: DaemonConfig): string | null {
  if (path === null || path === 'builtin') return null
  if (path === 'unconfined' || !existsSync(path)) return path
  return readFileSync(path, 'utf8')
}
