import { type PathArgument, check, declare, declareInt, plain } from './native.ts'

/** System calls on paths and files; rules as in `native.ts`. */

const cOpenat2 = declare('syscall', ['long', 'int', 'const char *', 'void *', 'size_t'])
const cMknodat = declareInt('mknodat', ['int', 'const char *', 'uint', 'uint64_t'])
const cSyncfs = declareInt('syncfs', ['int'])
const cFcntl = declareInt('fcntl', ['int', 'int', 'int'])
const cLgetxattr = declare('lgetxattr', ['const char *', 'const char *', 'void *', 'size_t'])
const cLsetxattr = declare('lsetxattr', ['const char *', 'const char *', 'void *', 'size_t', 'int'])
const cLlistxattr = declare('llistxattr', ['const char *', 'void *', 'size_t'])
const cLremovexattr = declare('lremovexattr', ['const char *', 'const char *'])
const cRenameat2 = declareInt('renameat2', ['int', 'const char *', 'int', 'const char *', 'uint'])
const cUnlinkat = declareInt('unlinkat', ['int', 'const char *', 'int'])
const cUtimensat = declareInt('utimensat', ['int', 'const char *', 'void *', 'int'])
const cMkdirat = declareInt('mkdirat', ['int', 'const char *', 'uint'])
const NR_OPENAT2 = 437

/** openat2(2): `flags` and `resolve` as in struct open_how. The fd is close-on-exec if O_CLOEXEC is in the flags. */
export function openat2(
  directoryFd: number,
  path: PathArgument,
  how: { readonly flags: number; readonly mode?: number; readonly resolve: number },
): number {
  const open = Buffer.alloc(24)
  open.writeBigUInt64LE(BigInt(how.flags), 0)
  open.writeBigUInt64LE(BigInt(how.mode ?? 0), 8)
  open.writeBigUInt64LE(BigInt(how.resolve), 16)
  return check(cOpenat2(NR_OPENAT2, directoryFd, plain(path, 'openat2'), open, open.length), 'openat2', path)
}

/** mknodat(2); `mode` holds the type and the permissions, which the umask reduces. */
export function mknodat(directoryFd: number, path: PathArgument, mode: number, device: number): void {
  check(cMknodat(directoryFd, plain(path, 'mknodat'), mode, device), 'mknodat', path)
}

/** mkdirat(2). */
export function mkdirat(directoryFd: number, path: PathArgument, mode: number): void {
  check(cMkdirat(directoryFd, plain(path, 'mkdirat'), mode), 'mkdirat', path)
}

/** unlinkat(2); flags 0x200 removes a directory. */
export function unlinkat(directoryFd: number, path: PathArgument, flags: number): void {
  check(cUnlinkat(directoryFd, plain(path, 'unlinkat'), flags), 'unlinkat', path)
}

/** utimensat(2) of both times, of a link itself and not what it points to. Seconds may be negative. */
export function utimensat(
  directoryFd: number,
  path: PathArgument,
  time: { readonly seconds: number; readonly nanos: number },
): void {
  const AT_SYMLINK_NOFOLLOW = 0x100
  const times = Buffer.alloc(32)
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt(time.seconds), at)
    times.writeBigInt64LE(BigInt(time.nanos), at + 8)
  }
  check(cUtimensat(directoryFd, plain(path, 'utimensat'), times, AT_SYMLINK_NOFOLLOW), 'utimensat', path)
}

/** renameat2(2) of absolute paths; flags 1 no-replace, 2 exchange. */
export function renameat2(from: string, to: string, flags: number): void {
  check(cRenameat2(-100, plain(from, 'renameat2'), -100, plain(to, 'renameat2'), flags), 'renameat2', to)
}

/** syncfs(2) of the file system that holds the open file. */
export function syncfs(fd: number): void {
  check(cSyncfs(fd), 'syncfs')
}

/** fcntl(2) F_DUPFD_CLOEXEC: a copy of the fd with a number of at least `atLeast`. */
export function dupFd(fd: number, atLeast: number): number {
  const F_DUPFD_CLOEXEC = 1030
  return check(cFcntl(fd, F_DUPFD_CLOEXEC, atLeast), 'fcntl')
}

/** fcntl(2) with an int argument. */
export function fcntl(fd: number, command: number, argument: number): number {
  return check(cFcntl(fd, command, argument), 'fcntl')
}

const cMemfdCreate = declareInt('memfd_create', ['str', 'uint'])
const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const MFD_EXEC = 0x10

/** memfd_create(2): a file in memory that can be executed and sealed. */
export function memfdCreate(name: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING
  const fd = cMemfdCreate(name, flags | MFD_EXEC)
  // Before Linux 6.3 the flag is unknown and every such file can be executed.
  return fd >= 0 ? fd : check(cMemfdCreate(name, flags), 'memfd_create')
}

const cIoctl = declareInt('ioctl', ['int', 'ulong', 'void *'])
const cIoctlNumber = declareInt('ioctl', ['int', 'ulong', 'ulong'])

/** ioctl(2) with a number or the bytes of a structure, which the kernel may change. */
export function ioctl(fd: number, request: number, argument: number | Buffer): number {
  const call = typeof argument === 'number' ? cIoctlNumber : cIoctl
  return check(call(fd, request, argument), 'ioctl')
}

/** lgetxattr(2) into a buffer; its length 0 asks for the size. */
export function lgetxattr(path: PathArgument, name: string, value: Buffer): number {
  return check(cLgetxattr(plain(path, 'lgetxattr'), name, value, value.length), 'lgetxattr', path)
}

/** lsetxattr(2). */
export function lsetxattr(path: PathArgument, name: string, value: Buffer): void {
  check(cLsetxattr(plain(path, 'lsetxattr'), name, value, value.length, 0), 'lsetxattr', path)
}

/** llistxattr(2) into a buffer of NUL-ended names; its length 0 asks for the size. */
export function llistxattr(path: PathArgument, names: Buffer): number {
  return check(cLlistxattr(plain(path, 'llistxattr'), names, names.length), 'llistxattr', path)
}

/** lremovexattr(2). */
export function lremovexattr(path: string, name: string): void {
  check(cLremovexattr(plain(path, 'lremovexattr'), name), 'lremovexattr', path)
}

const cQuotactlFd = declare('syscall', ['long', 'int', 'int', 'uint', 'void *'])
const NR_QUOTACTL_FD = 443

/** quotactl_fd(2), Linux 5.14: a quota command for the file system that holds the open file. */
export function quotactlFd(
  fd: number,
  command: number,
  target: { readonly id: number; readonly data: Buffer },
): void {
  check(cQuotactlFd(NR_QUOTACTL_FD, fd, command, target.id, target.data), 'quotactl_fd')
}
