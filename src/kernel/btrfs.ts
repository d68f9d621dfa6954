import { closeSync, openSync, statSync, statfsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { errnoOf } from '#errors/errors.ts'
import { ioctl } from './native/files.ts'

/**
 * btrfs(5): subvolumes, snapshots of them, shared file contents, and limits on what one subvolume may hold. The calls
 * that make or destroy a subvolume commit a transaction of the file system, which can take long: for a worker thread.
 */

const BTRFS_SUPER_MAGIC = 0x9123683e
/** The root directory of every subvolume (BTRFS_FIRST_FREE_OBJECTID). */
const SUBVOLUME_INODE = 256

/** Requests of linux/btrfs.h and linux/fs.h. */
const SNAP_DESTROY = 0x5000940f
const SNAP_CREATE_V2 = 0x50009417
const SUBVOL_CREATE_V2 = 0x50009418
const INO_LOOKUP = 0xd0009412
const QUOTA_CTL = 0xc0109428
const QGROUP_CREATE = 0x4010942a
const QGROUP_LIMIT = 0x8030942b
const FICLONE = 0x40049409

/** struct btrfs_ioctl_vol_args and _v2: the name stands at 8 and at 56. */
const VOL_ARGS_BYTES = 4096
const NAME_OFFSET = 8
const NAME_V2_OFFSET = 56
const MAX_NAME_BYTES = 255

const QUOTA_ENABLE = 1
const QUOTA_ENABLE_SIMPLE = 4
const LIMIT_MAX_EXCLUSIVE = 1 << 1

/** Whether a path, which exists, is on btrfs. */
export function isOnBtrfs(path: string): boolean {
  return statfsSync(path).type === BTRFS_SUPER_MAGIC
}

/** Whether a path is the root of a subvolume; false when it does not exist. */
export function isSubvolume(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && stat.ino === SUBVOLUME_INODE && isOnBtrfs(path)
}

/** Makes an empty subvolume. @throws KernelError EEXIST */
export function createSubvolume(path: string): void {
  const request = volumeArguments(basename(path), NAME_V2_OFFSET)
  withDirectory(dirname(path), (parentFd) => ioctl(parentFd, SUBVOL_CREATE_V2, request))
}

/** Makes a writable copy of a subvolume that shares all blocks with it until they are written. @throws KernelError */
export function snapshotSubvolume(source: string, path: string): void {
  const request = volumeArguments(basename(path), NAME_V2_OFFSET)
  withDirectory(source, (sourceFd) => {
    request.writeBigInt64LE(BigInt(sourceFd), 0)
    withDirectory(dirname(path), (parentFd) => ioctl(parentFd, SNAP_CREATE_V2, request))
  })
}

/**
 * Removes a subvolume with all that is in it; its blocks are freed by the kernel afterwards.
 * @throws KernelError ENOTEMPTY when there are subvolumes within
 */
export function destroySubvolume(path: string): void {
  const request = volumeArguments(basename(path), NAME_OFFSET)
  withDirectory(dirname(path), (parentFd) => ioctl(parentFd, SNAP_DESTROY, request))
}

/** The number of the subvolume that holds a file; its quota group is 0/<number>. */
export function subvolumeNumber(path: string): bigint {
  return withDirectory(path, (fd) => {
    const request = Buffer.alloc(VOL_ARGS_BYTES)
    request.writeBigUInt64LE(BigInt(SUBVOLUME_INODE), 8)
    ioctl(fd, INO_LOOKUP, request)
    return request.readBigUInt64LE(0)
  })
}

/**
 * Limits the bytes that a subvolume holds for itself alone: what it shares with the one it was copied from is not
 * counted. Turns quotas on if they are off: simple ones (Linux 6.7), which make no other operation slower.
 * @throws KernelError EPERM, EINVAL, ENOTTY
 */
export function limitSubvolume(path: string, sizeBytes: number): void {
  withDirectory(path, (fd) => {
    try {
      limitExclusive(fd, sizeBytes)
    } catch (error) {
      if (!['ENOTCONN', 'EINVAL', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
      enableQuotas(fd)
      limitExclusive(fd, sizeBytes)
    }
  })
}

function limitExclusive(fd: number, sizeBytes: number): void {
  const request = Buffer.alloc(48)
  request.writeBigUInt64LE(BigInt(LIMIT_MAX_EXCLUSIVE), 8)
  request.writeBigUInt64LE(BigInt(sizeBytes), 24)
  ioctl(fd, QGROUP_LIMIT, request)
}

function enableQuotas(fd: number): void {
  const enable = (command: number): void => {
    const request = Buffer.alloc(16)
    request.writeBigUInt64LE(BigInt(command), 0)
    ioctl(fd, QUOTA_CTL, request)
  }
  try {
    enable(QUOTA_ENABLE_SIMPLE)
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error
    enable(QUOTA_ENABLE)
  }
}

/**
 * Removes the quota group of a subvolume that is gone.
 * @param path any directory of the file system
 * @throws KernelError EBUSY while the kernel still frees the subvolume, after which newer ones do this by themselves;
 * ENOENT, ENOTCONN when there is none
 */
export function forgetQuotaGroup(path: string, subvolume: bigint): void {
  withDirectory(path, (fd) => {
    const request = Buffer.alloc(16)
    request.writeBigUInt64LE(subvolume, 8)
    ioctl(fd, QGROUP_CREATE, request)
  })
}

/**
 * Makes an empty file share the content of another (ioctl_ficlone(2)).
 * @throws KernelError EOPNOTSUPP, EXDEV, EINVAL where the file system cannot
 */
export function shareContent(fromFd: number, toFd: number): void {
  ioctl(toFd, FICLONE, fromFd)
}

function volumeArguments(name: string, offset: number): Buffer {
  const request = Buffer.alloc(VOL_ARGS_BYTES)
  const bytes = Buffer.from(name)
  if (bytes.length > MAX_NAME_BYTES) throw new RangeError(`subvolume name too long: ${name}`)
  bytes.copy(request, offset)
  return request
}

function withDirectory<T>(path: string, work: (fd: number) => T): T {
  const fd = openSync(path, 'r')
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}
