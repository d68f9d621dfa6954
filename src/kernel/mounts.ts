import { readFileSync, closeSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import {
  fsconfig,
  fsmount,
  fsopen,
  mount as mountCall,
  mountSetattr,
  moveMount,
  openTree,
  umount2,
} from './native/native.ts'

/** Mount flags of mount(2). */
export const MS = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  REMOUNT: 0x20,
  NOATIME: 0x400,
  BIND: 0x1000,
  REC: 0x4000,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const

/** Flags of umount2(2): DETACH takes it out of sight now and lets it go when it is no longer in use. */
export const MNT = { FORCE: 1, DETACH: 2, NOFOLLOW: 8 } as const

/** A line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface MountEntry {
  readonly mountId: number
  readonly parentId: number
  /** The path inside the file system that is mounted. */
  readonly root: string
  readonly mountPoint: string
  readonly options: readonly string[]
  /** Optional fields: `shared:1`, `master:2` … */
  readonly propagation: readonly string[]
  readonly fstype: string
  readonly source: string
  readonly superOptions: readonly string[]
}

export interface MountRequest {
  readonly source?: string | null
  readonly fstype?: string | null
  /** A sum of MS flags. */
  readonly flags?: number
  /** Options of the file system, `a=b,c`: at most a page (4095 bytes); `mountFs` has no such limit. */
  readonly data?: string | null
}

/** mount(2). @throws KernelError with the target as path */
export function mount(target: string, request: MountRequest): void {
  mountCall(request.source ?? null, target, request.fstype ?? null, request.flags ?? 0, request.data ?? null)
}

/** umount2(2). @throws KernelError EINVAL when nothing is mounted there, EBUSY when in use and not detached */
export function umount(target: string, flags = 0): void {
  umount2(target, flags)
}

/** Unmounts what is mounted at the target, all layers of it, detaching it if busy; nothing there is fine. */
export function umountAll(target: string): void {
  for (;;) {
    try {
      umount2(target, MNT.DETACH | MNT.NOFOLLOW)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'EINVAL' || errno === 'ENOENT') return
      throw error
    }
  }
}

/** Bind-mounts a file or a directory, with what is mounted below it when `recursive`. */
export function bindMount(
  source: string,
  target: string,
  options: { readonly recursive?: boolean; readonly readOnly?: boolean } = {},
): void {
  mountCall(source, target, null, MS.BIND | (options.recursive === true ? MS.REC : 0), null)
  if (options.readOnly !== true) return
  try {
    setReadOnly(target, options.recursive === true)
  } catch (error) {
    umount2(target, MNT.DETACH)
    throw error
  }
}

/** Makes a mount read-only (and those below it), whatever its other flags: mount_setattr(2), Linux 5.12. */
export function setReadOnly(target: string, recursive: boolean): void {
  const MOUNT_ATTR_RDONLY = 1n
  const AT_RECURSIVE = 0x8000
  const attributes = Buffer.alloc(32)
  attributes.writeBigUInt64LE(MOUNT_ATTR_RDONLY, 0)
  mountSetattr(-100, target, recursive ? AT_RECURSIVE : 0, attributes)
}

/**
 * Mounts a directory a second time with its ids shifted (idmapped mount, mount_setattr(2), Linux 5.12): what belongs to
 * an id inside the user namespace belongs, seen here, to the id that it maps to.
 * @throws KernelError EINVAL when the file system cannot
 */
export function mountMapped(source: string, target: string, usernsFd: number): void {
  const OPEN_TREE_CLONE = 1
  const O_CLOEXEC = 0o2000000
  const AT_EMPTY_PATH = 0x1000
  const MOUNT_ATTR_IDMAP = 0x100000n
  const attributes = Buffer.alloc(32)
  attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP, 0)
  attributes.writeBigUInt64LE(BigInt(usernsFd), 24)
  const tree = openTree(-100, source, OPEN_TREE_CLONE | O_CLOEXEC)
  try {
    mountSetattr(tree, '', AT_EMPTY_PATH, attributes)
    moveMount(tree, target)
  } finally {
    closeSync(tree)
  }
}

/** Sets how mounts under the target propagate, with those below. */
export function setPropagation(target: string, propagation: 'private' | 'slave' | 'shared'): void {
  const flag = { private: MS.PRIVATE, slave: MS.SLAVE, shared: MS.SHARED }[propagation]
  mountCall(null, target, null, flag | MS.REC, null)
}

/** Makes the path a mount point of its own that neither sends nor receives mounts, once. */
export function makePrivateMount(path: string): void {
  if (!isMountPoint(path)) mountCall(path, path, null, MS.BIND, null)
  mountCall(null, path, null, MS.PRIVATE, null)
}

/**
 * Mounts a new file system with options given one by one (fsopen(2), fsconfig(2), Linux 5.2): no limit of a page on
 * them all. A key may repeat, as overlayfs' `lowerdir+` (Linux 6.5) does, one for each layer, the top one first.
 * @param options.flags a sum of MOUNT_ATTR_* (1 read-only, 2 nosuid, 4 nodev, 8 noexec)
 */
export function mountFs(
  target: string,
  fstype: string,
  options: { readonly parameters: readonly (readonly [string, string | null])[]; readonly flags?: number },
): void {
  const FSCONFIG_SET_FLAG = 0
  const FSCONFIG_SET_STRING = 1
  const FSCONFIG_CMD_CREATE = 6
  const context = fsopen(fstype)
  try {
    for (const [key, value] of options.parameters) {
      fsconfig(context, value === null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key, value, 0)
    }
    fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0)
    const detached = fsmount(context, options.flags ?? 0)
    try {
      moveMount(detached, target)
    } finally {
      closeSync(detached)
    }
  } finally {
    closeSync(context)
  }
}

/** The mounts of this process' mount namespace, in the kernel's order. Costs O(mounts): not for a request's path. */
export function mountTable(): readonly MountEntry[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
}

/** Tells whether something is mounted exactly here. */
export function isMountPoint(path: string): boolean {
  return mountTable().some((entry) => entry.mountPoint === path)
}

/** Parses the text of a mountinfo file. Lines that are not of its form are left out. */
export function parseMountInfo(text: string): readonly MountEntry[] {
  const entries: MountEntry[] = []
  for (const line of text.split('\n')) {
    const fields = line.split(' ')
    const dash = fields.indexOf('-', 6)
    if (dash < 0) continue
    const [mountId, parentId, , root, mountPoint, options] = fields as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    const [fstype, source, superOptions] = fields.slice(dash + 1) as [string, string, string | undefined]
    entries.push({
      mountId: Number(mountId),
      parentId: Number(parentId),
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      options: options.split(','),
      propagation: fields.slice(6, dash),
      fstype,
      source: unescapeOctal(source),
      superOptions: (superOptions ?? '').split(','),
    })
  }
  return entries
}

/** The kernel writes space, tab, newline and backslash as `\ooo`, bytes of UTF-8 as they are. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
