import { closeSync, fstatSync, statSync } from 'node:fs'
import type { IdMap } from '#base/id-map.ts'
import { openOwner, type UserNamespace } from '#kernel/user-namespaces.ts'
import type { Sandbox } from '#network/networks.ts'
import type { NamespaceChoices } from '#runtime/runtime.ts'
import type { ContainerDefaults } from '../create/defaults.ts'
import { idMapOf } from '../id-map-of.ts'
import type { ContainerRecord } from '../records.ts'
import { isAlive } from '../state.ts'
import type { NamespacePeers } from './namespaces.ts'

/**
 * The user namespace of a container that is about to start. Who joins the processes or the IPC of another joins its user
 * namespace too, as in Docker: those namespaces belong to it.
 */
export function userNamespaceOf(
  { hostConfig }: ContainerRecord,
  from: {
    readonly ids: IdMap
    readonly peers: NamespacePeers
    readonly defaults: Pick<ContainerDefaults, 'remap'>
  },
): UserNamespace {
  const joined = [hostConfig.PidMode, hostConfig.IpcMode].find((mode) => mode?.startsWith('container:'))
  const peer =
    joined === undefined || joined === null ? null : from.peers.resolve(joined.slice('container:'.length))
  return peer === null || !isAlive(peer.state) || idMapOf(peer, from.defaults) === null
    ? { kind: 'new', map: from.ids }
    : { kind: 'join', path: `/proc/${String(peer.state.pid)}/ns/user` }
}

/** The namespace for the runtime, that which the network belongs to; it stays open until disposed of. */
export function openUserNamespaceOf(
  sandbox: Sandbox,
  ids: IdMap | null,
): Disposable & { readonly choice: NamespaceChoices['user'] } {
  const nothing = (): void => {}
  if (ids === null) return { choice: null, [Symbol.dispose]: nothing }
  if (sandbox.netnsPath === null) return { choice: { ...ids, path: null }, [Symbol.dispose]: nothing }
  const fd = openOwner(sandbox.netnsPath)
  if (fstatSync(fd).ino === statSync('/proc/self/ns/user').ino) {
    // The network of a container with the host's ids.
    closeSync(fd)
    return { choice: { ...ids, path: null }, [Symbol.dispose]: nothing }
  }
  const path = `/proc/${String(process.pid)}/fd/${String(fd)}`
  return { choice: { ...ids, path }, [Symbol.dispose]: () => closeSync(fd) }
}
