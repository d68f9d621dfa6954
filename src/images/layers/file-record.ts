import type { BigIntStats } from 'node:fs'
import { splitDevice } from '#kernel/device-nodes.ts'
import { getXattr, listXattrs } from '#kernel/xattrs.ts'
import type { TarEntryType } from './tar-entry.ts'
import type { TarRecord } from './tar-writer.ts'
import { type TreeFile, orVanished } from './tree-walk.ts'

/** The tar type of a file; null for sockets, which no archive can hold. */
export function typeOf(stat: BigIntStats): TarEntryType | null {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isCharacterDevice()) return 'char'
  if (stat.isBlockDevice()) return 'block'
  return stat.isFIFO() ? 'fifo' : null
}

/** overlayfs writes the absence of a file as this device. */
export function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n
}

/** Tells whether an upper directory hides the lower one of its name. */
export function isOpaque(at: string | Buffer): boolean {
  return getXattr(at, 'trusted.overlay.opaque')?.toString() === 'y'
}

/** What a tar says of a file, but for its type, size and target. */
export function recordOf({ stat, at }: TreeFile, name: string): TarRecord {
  const isDevice = stat.isCharacterDevice() || stat.isBlockDevice()
  const device = isDevice ? splitDevice(Number(stat.rdev)) : { major: 0, minor: 0 }
  const nanos = Number(((stat.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)
  return {
    type: 'file',
    name,
    linkName: '',
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    sizeBytes: 0,
    mtimeSeconds: Number((stat.mtimeNs - BigInt(nanos)) / 1_000_000_000n),
    mtimeNanos: nanos,
    devMajor: device.major,
    devMinor: device.minor,
    xattrs: readXattrs(at),
  }
}

/** What belongs to the file: not what overlayfs or a security module of this machine noted on it. */
function readXattrs(at: string | Buffer): ReadonlyMap<string, Buffer> | null {
  // In order, so that equal files make equal archives.
  const names = (orVanished(() => listXattrs(at)) ?? []).toSorted()
  let found: Map<string, Buffer> | null = null
  for (const name of names) {
    const isKept =
      name.startsWith('user.') || name === 'security.capability' || name.startsWith('system.posix_acl_')
    const value = isKept ? orVanished(() => getXattr(at, name)) : null
    if (value !== null) (found ??= new Map<string, Buffer>()).set(name, value)
  }
  return found
}
