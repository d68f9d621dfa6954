import { mkdirSync } from 'node:fs'
import type { Owner } from '#base/id-map.ts'
import { ConflictError, InvalidArgumentError } from '#errors/errors.ts'
import { isMountPoint, mount, MS } from '#kernel/mounts.ts'
import type { Sandbox } from '#network/networks.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import type { NamespaceChoice, NamespaceChoices } from '#runtime/runtime.ts'
import type { ContainerPaths } from '../container-paths.ts'
import type { ContainerRecord } from '../records.ts'
import { isAlive } from '../state.ts'

/** How other containers are found when their namespaces are joined. */
export interface NamespacePeers {
  /** @throws NotFoundError */
  resolve(reference: string): ContainerRecord
  pathsOf(id: string): ContainerPaths
}

/** The namespaces of a container that is about to start, but for users. @throws ConflictError when it joins one that does not run. */
export function namespaces(
  record: ContainerRecord,
  sandbox: Sandbox,
  peers: NamespacePeers,
): Omit<NamespaceChoices, 'user'> {
  const { hostConfig } = record
  const host = (isHost: boolean): NamespaceChoice => (isHost ? { kind: 'host' } : { kind: 'private' })
  return {
    network: sandbox.netnsPath === null ? { kind: 'host' } : { kind: 'join', path: sandbox.netnsPath },
    ipc: joined(hostConfig.IpcMode ?? '', 'ipc', peers) ?? host(hostConfig.IpcMode === 'host'),
    pid: joined(hostConfig.PidMode ?? '', 'pid', peers) ?? host(hostConfig.PidMode === 'host'),
    uts: host(hostConfig.UTSMode === 'host'),
    cgroup: host(hostConfig.CgroupnsMode === 'host'),
  }
}

function joined(mode: string, kind: 'ipc' | 'pid', peers: NamespacePeers): NamespaceChoice | null {
  if (!mode.startsWith('container:')) return null
  const peer = peers.resolve(mode.slice('container:'.length))
  if (!isAlive(peer.state)) {
    const why = `container ${peer.id} is not running`
    if (kind === 'ipc') throw new ConflictError(`failed to join IPC namespace: ${why}`)
    // dockerd answers 500 to this one.
    throw new RuntimeFailure(`failed to join PID namespace: ${why}`, { exitCode: 128 })
  }
  if (kind === 'ipc' && !isShareable(peer)) {
    throw new InvalidArgumentError(
      `failed to join IPC namespace: container ${peer.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    )
  }
  return { kind: 'join', path: `/proc/${peer.state.pid}/ns/${kind}` }
}

function isShareable(peer: ContainerRecord): boolean {
  const mode = peer.hostConfig.IpcMode ?? ''
  return mode === 'shareable' || mode === 'host' || mode.startsWith('container:')
}

/** The host path that becomes /dev/shm, or null for a private one. Mounts the tmpfs of a shareable container. */
export function sharedMemoryPath(
  record: ContainerRecord,
  peers: NamespacePeers,
  owner: Owner,
): string | null {
  const mode = record.hostConfig.IpcMode ?? ''
  if (mode === 'host') return '/dev/shm'
  if (mode.startsWith('container:'))
    return sharedMemoryPath(peers.resolve(mode.slice('container:'.length)), peers, owner)
  if (mode !== 'shareable') return null
  const { shm } = peers.pathsOf(record.id)
  mkdirSync(shm, { recursive: true, mode: 0o700 })
  if (!isMountPoint(shm)) {
    const data = `mode=1777,size=${record.hostConfig.ShmSize ?? 0},uid=${owner.uid},gid=${owner.gid}`
    mount(shm, { source: 'shm', fstype: 'tmpfs', flags: MS.NOSUID | MS.NODEV | MS.NOEXEC, data })
  }
  return shm
}
