import { hostname as hostHostname } from 'node:os'
import { failpoint } from '#base/failpoint.ts'
import { mappedRoot } from '#base/id-map.ts'
import { phase } from '#base/trace.ts'
import { ConflictError, messageOf } from '#errors/errors.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import { isAlive } from '../state.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'
import { etcFiles } from './etc-files.ts'
import { linkEnvironment } from './link-environment.ts'
import { type NamespacePeers, namespaces, sharedMemoryPath } from './namespaces.ts'
import { sandboxRequest } from './network-request.ts'
import { publishVolumeEvents } from '../volume-events.ts'
import { parentsFirst, userMounts } from './user-mounts.ts'
import { idMapOf } from '../id-map-of.ts'
import { openUserNamespaceOf, userNamespaceOf } from './user-namespace.ts'
import { prepareImageMount } from '../image-mounts.ts'

/**
 * Gives a container what it needs to run, makes its process and lets it go. What it takes is recorded by the areas that
 * give it, under the container's id; after a failure the caller lets go of all of it (`release-run.ts`).
 * @param options.restore the directory of a checkpoint that it goes on from
 * @returns the pid of its process, which may have ended already
 */
export async function beginRun(
  context: ContainerContext,
  record: ContainerRecord,
  options: { readonly restore: string | null },
): Promise<number> {
  const { records, runtime } = context
  const { id } = record
  const paths = containerPaths(context.directory, id)
  const peers = {
    resolve: (reference: string) => records.resolve(reference),
    pathsOf: (peerId: string) => containerPaths(context.directory, peerId),
  }
  const ids = idMapOf(record, context.defaults)
  const owner = ids === null ? null : userNamespaceOf(record, { ids, peers, defaults: context.defaults })
  assertLinksRun(record, peers)
  const joins = record.hostConfig.NetworkMode ?? ''
  const resolve = (reference: string): ContainerRecord =>
    joins === `container:${reference}` ? networkPeer(peers, { reference, id }) : peers.resolve(reference)
  const request = sandboxRequest(record, resolve, owner)
  const joined = request.mode.kind === 'container' ? joinable(peers.resolve(request.mode.containerId)) : null
  const monitor = {
    id,
    runtime: record.hostConfig.Runtime || null,
    config: record.config,
    logPath: record.hostConfig.LogConfig?.Type === 'none' ? null : paths.spool,
    restore: options.restore,
  }
  await context.logDrivers.checkStart(record)
  runtime.prepare(monitor)
  const [rootfs, sandbox, wanted] = await allSettled([
    timed('containers.mount', () => context.snapshots.mount(id)),
    timed('containers.network', () => context.networks.sandbox(request)),
    userMounts(record, {
      volume: (name) => context.volumes.mount(name, id),
      image: async (mount) => {
        const snapshot = await prepareImageMount(context, { record, mount })
        return await context.snapshots.mount(snapshot)
      },
    }),
  ])
  publishVolumeEvents(context.events, record, 'mount')
  await failpoint('containers.start.after-acquire')
  const hostname = hostnameOf(record, joined)
  const etc = etcFiles(paths, {
    hostname,
    sandbox,
    other: joined === null ? null : peers.pathsOf(joined.id),
    readOnly: record.hostConfig.ReadonlyRootfs === true,
    owner: ids === null ? null : mappedRoot(ids),
  }).filter((file) => !wanted.some((mount) => mount.destination === file.destination))
  using user = openUserNamespaceOf(sandbox, ids)
  const { pid } = await timed('containers.create', () =>
    runtime.create({
      ...monitor,
      rootfs,
      args: [record.path, ...record.args],
      hostConfig: record.hostConfig,
      hostname,
      mounts: parentsFirst([...etc, ...wanted]),
      namespaces: { ...namespaces(record, sandbox, peers), user: user.choice },
      shmPath: sharedMemoryPath(record, peers, mappedRoot(ids)),
      extraEnv: linkEnvironment(record, context),
    }),
  )
  await failpoint('containers.start.after-create')
  await context.stdio.find(id)?.goLive()
  await timed('containers.go', () => runtime.start(id))
  await failpoint('containers.start.after-go')
  return pid
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  using _ = phase(name)
  return await work()
}

/** As Promise.all, but waits for all of them also when one fails: nothing may be acquired after the failure is handled. */
async function allSettled<A, B, C>(work: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(work)
  return await Promise.all(work)
}

/**
 * The container whose network is joined: of one that has joined another's itself, that other.
 * @throws RuntimeFailure, for dockerd answers 500
 */
function networkPeer(peers: NamespacePeers, asked: { reference: string; id: string }): ContainerRecord {
  try {
    const seen = new Set([asked.id])
    for (let peer = peers.resolve(asked.reference); ;) {
      if (seen.has(peer.id)) {
        throw new RuntimeFailure('cannot join own network namespace', { exitCode: 128 })
      }
      seen.add(peer.id)
      const mode = peer.hostConfig.NetworkMode ?? ''
      if (!mode.startsWith('container:') || !isAlive(peer.state)) return peer
      peer = peers.resolve(mode.slice('container:'.length))
    }
  } catch (cause) {
    if (cause instanceof RuntimeFailure) throw cause
    const message = `joining network namespace of container: ${messageOf(cause)}`
    throw new RuntimeFailure(message, { exitCode: 128, cause })
  }
}

/** @throws RuntimeFailure in Docker's words when what the container is linked to does not run */
function assertLinksRun(record: ContainerRecord, peers: NamespacePeers): void {
  for (const { containerId, alias } of record.links) {
    const other = peers.resolve(containerId)
    if (isAlive(other.state)) continue
    const link = `/${other.name} AS /${record.name}/${alias}`
    throw new RuntimeFailure(`Cannot link to a non running container: ${link}`, { exitCode: 128 })
  }
}

function joinable(peer: ContainerRecord): ContainerRecord {
  if (peer.state.status === 'restarting') {
    throw new ConflictError(`container ${peer.id} is restarting, wait until the container is running`)
  }
  if (!isAlive(peer.state)) {
    throw new ConflictError(
      `cannot join network namespace of a non running container: container ${peer.name} is ${peer.state.status}`,
    )
  }
  return peer
}

/** The name a container sees itself under. */
function hostnameOf(record: ContainerRecord, joined: ContainerRecord | null): string {
  if (joined !== null) return joined.config.Hostname || joined.id.slice(0, 12)
  if (record.hostConfig.UTSMode === 'host') return hostHostname()
  return record.config.Hostname || record.id.slice(0, 12)
}
