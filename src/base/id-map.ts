/** A range of a user namespace (user_namespaces(7)): `size` ids from `containerId` on are those from `hostId` on. */
export interface IdMapping {
  readonly containerId: number
  readonly hostId: number
  readonly size: number
}

/** Which ids of the host the users and groups of a container are. */
export interface IdMap {
  readonly uids: readonly IdMapping[]
  readonly gids: readonly IdMapping[]
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What the kernel shows for an id that has no place in a user namespace (/proc/sys/kernel/overflowuid). */
const OVERFLOW_ID = 65534

/** Whom a file of the host belongs to as a container sees it. */
export function ownerInContainer(map: IdMap | null, { uid, gid }: Owner): Owner {
  if (map === null) return { uid, gid }
  return { uid: inContainer(map.uids, uid), gid: inContainer(map.gids, gid) }
}

/** Whom a container's file belongs to on the host; ids without a mapping become the container's nobody. */
export function ownerOnHost(map: IdMap | null, { uid, gid }: Owner): Owner {
  if (map === null) return { uid, gid }
  return { uid: onHost(map.uids, uid), gid: onHost(map.gids, gid) }
}

/** The host's ids of a container's root. */
export function mappedRoot(map: IdMap | null): Owner {
  return ownerOnHost(map, { uid: 0, gid: 0 })
}

function inContainer(mappings: readonly IdMapping[], id: number): number {
  for (const { containerId, hostId, size } of mappings) {
    if (id >= hostId && id < hostId + size) return containerId + (id - hostId)
  }
  return OVERFLOW_ID
}

function onHost(mappings: readonly IdMapping[], id: number): number {
  return find(mappings, id) ?? find(mappings, OVERFLOW_ID) ?? OVERFLOW_ID
}

function find(mappings: readonly IdMapping[], id: number): number | null {
  for (const { containerId, hostId, size } of mappings) {
    if (id >= containerId && id < containerId + size) return hostId + (id - containerId)
  }
  return null
}
