import { chmodSync, chownSync, lstatSync, statSync } from 'node:fs'
import { mknodat } from './native/files.ts'

/** A device number in parts, as OCI and tar write it. */
export interface DeviceNumber {
  readonly major: number
  readonly minor: number
}

const TYPE = { character: 0o020000, block: 0o060000, fifo: 0o010000, socket: 0o140000 } as const

/** Joins a device number as glibc's makedev(3) does. */
export function makeDevice({ major, minor }: DeviceNumber): number {
  const high = BigInt(major >>> 12) << 44n
  const low = (BigInt(major & 0xfff) << 8n) | BigInt(minor & 0xff) | (BigInt(minor & ~0xff) << 12n)
  return Number(high | low)
}

/** Takes a device number (`stat.rdev`) apart. */
export function splitDevice(device: number): DeviceNumber {
  const bits = BigInt(device)
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & ~0xfffn)
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}

/** Makes a device node, FIFO or socket file with exactly these permissions (mknod(2)). */
export function makeNode(
  path: string,
  node: { readonly type: keyof typeof TYPE; readonly mode: number; readonly device?: DeviceNumber },
): void {
  mknodat(-100, path, TYPE[node.type] | node.mode, node.device === undefined ? 0 : makeDevice(node.device))
  chmodSync(path, node.mode)
}

/** The type and number of a device node; null when the path is no device. @throws ENOENT as Node gives it */
export function readDevice(path: string): ({ readonly type: 'b' | 'c' } & DeviceNumber) | null {
  const stat = lstatSync(path)
  if (!stat.isBlockDevice() && !stat.isCharacterDevice()) return null
  return { type: stat.isBlockDevice() ? 'b' : 'c', ...splitDevice(stat.rdev) }
}

/**
 * Gives the host's /dev/null back to root. crun hands the standard streams of what it runs to its user (fchown(2)), and
 * does not see that one of them is a device of the whole machine.
 */
export function restoreNullDevice(): void {
  const { uid, gid, mode } = statSync('/dev/null')
  if (uid === 0 && gid === 0 && (mode & 0o777) === 0o666) return
  chownSync('/dev/null', 0, 0)
  chmodSync('/dev/null', 0o666)
}
