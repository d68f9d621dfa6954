import { closeSync, openSync } from 'node:fs'
import { ioctl, quotactlFd } from './native/files.ts'

/**
 * Project quotas: a limit on the bytes of all files that bear a project's number, which files inherit from their
 * directory (xfs_quota(8), quotactl(2)). XFS has them when mounted with `pquota`, ext4 with the `project` feature and
 * `prjquota`.
 */

const FS_IOC_FSGETXATTR = 0x801c581f
const FS_IOC_FSSETXATTR = 0x401c5820
/** struct fsxattr of linux/fs.h: flags at 0, project at 12. */
const FSXATTR_BYTES = 28
const FS_XFLAG_PROJINHERIT = 0x200

const PRJQUOTA = 2
/** QCMD(Q_XSETQLIM, PRJQUOTA) of linux/quota.h and linux/dqblk_xfs.h. */
const SET_LIMITS = (0x5804 << 8) | PRJQUOTA
const FS_DQ_BSOFT = 1 << 2
const FS_DQ_BHARD = 1 << 3
/** struct fs_disk_quota; sizes in blocks of 512 bytes. */
const DISK_QUOTA_BYTES = 112

/** The number of the project that a directory belongs to; 0 is none. @throws KernelError ENOTTY where there are none */
export function projectOf(directory: string): number {
  return withFd(directory, (fd) => {
    const attributes = Buffer.alloc(FSXATTR_BYTES)
    ioctl(fd, FS_IOC_FSGETXATTR, attributes)
    return attributes.readUInt32LE(12)
  })
}

/** Gives a directory, and what will be made in it, to a project. @throws KernelError */
export function setProject(directory: string, project: number): void {
  withFd(directory, (fd) => {
    const attributes = Buffer.alloc(FSXATTR_BYTES)
    ioctl(fd, FS_IOC_FSGETXATTR, attributes)
    attributes.writeUInt32LE((attributes.readUInt32LE(0) | FS_XFLAG_PROJINHERIT) >>> 0, 0)
    attributes.writeUInt32LE(project, 12)
    ioctl(fd, FS_IOC_FSSETXATTR, attributes)
  })
}

/** Limits a project on the file system of a directory; 0 takes the limit away. @throws KernelError ENOSYS, ESRCH without quotas */
export function limitProject(directory: string, project: number, sizeBytes: number): void {
  withFd(directory, (fd) => {
    const blocks = BigInt(Math.ceil(sizeBytes / 512))
    const data = Buffer.alloc(DISK_QUOTA_BYTES)
    data.writeInt8(1, 0)
    data.writeInt8(PRJQUOTA, 1)
    data.writeUInt16LE(FS_DQ_BHARD | FS_DQ_BSOFT, 2)
    data.writeUInt32LE(project, 4)
    data.writeBigUInt64LE(blocks, 8)
    data.writeBigUInt64LE(blocks, 16)
    quotactlFd(fd, SET_LIMITS, { id: project, data })
  })
}

function withFd<T>(directory: string, work: (fd: number) => T): T {
  const fd = openSync(directory, 'r')
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}
