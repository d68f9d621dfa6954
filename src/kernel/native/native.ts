import koffi from 'koffi'
import { KernelError } from '#errors/errors.ts'

/**
 * The only file that loads native code: plain system calls that Node does not have, under their own names. Those on
 * paths and files are in `files.ts`, declared by what is here.
 *
 * Rules: arguments and results are numbers, strings, null and buffers, laid out by the caller; no policy. A function
 * here throws KernelError or returns the result of the call. Nothing blocks unless its man page says that it may.
 */
export type Call = (...args: unknown[]) => number

const libc = koffi.load(null as unknown as string)

/** Declares a call that returns a `long`. For the files of this folder only. */
export function declare(symbol: string, parameters: readonly string[]): Call {
  return libc.func(symbol, 'long', [...parameters]) as unknown as Call
}

/** Declares a call that returns an `int`. */
export function declareInt(symbol: string, parameters: readonly string[]): Call {
  return libc.func(symbol, 'int', [...parameters]) as unknown as Call
}

const errnoNames: ReadonlyMap<number, string> = new Map(
  Object.entries(koffi.os.errno as Record<string, number>).map(([name, number]) => [number, name]),
)

/** The symbolic name of an errno, `E<number>` when it has none here. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `E${String(errno)}`
}

/** The error for the system call that has just returned -1. Call it before anything else. */
export function toKernelError(syscall: string, path?: string | null): KernelError {
  return new KernelError(syscall, errnoName(koffi.errno()), path === undefined ? {} : { path })
}

/** The result of a call, or its error. */
export function check(result: number, syscall: string, path?: PathArgument | null): number {
  if (result === -1) throw toKernelError(syscall, shown(path))
  return result
}

/** A path: text, or its bytes (without a NUL) when they may be no UTF-8. */
export type PathArgument = string | Buffer

/** A string given to C ends at its first NUL: one inside would silently name something else. */
export function plain(text: PathArgument | null, syscall: string): PathArgument | null {
  if (text === null) return null
  if (text.includes('\0')) throw new KernelError(syscall, 'EINVAL', { path: shown(text), detail: 'NUL byte' })
  return typeof text === 'string' ? text : Buffer.concat([text, Buffer.alloc(1)])
}

function shown(path: PathArgument | null | undefined): string | null {
  return path === undefined || path === null ? null : path.toString()
}

// --- mounts: mount(2), umount2(2), and the mount API of Linux 5.2 (numbers are the same on every architecture)

const cMount = declareInt('mount', ['const char *', 'const char *', 'const char *', 'ulong', 'const char *'])
const cUmount2 = declareInt('umount2', ['const char *', 'int'])
const cFsopen = declare('syscall', ['long', 'const char *', 'uint'])
const cFsconfig = declare('syscall', ['long', 'int', 'uint', 'const char *', 'const char *', 'int'])
const cFsmount = declare('syscall', ['long', 'int', 'uint', 'uint'])
const cMoveMount = declare('syscall', ['long', 'int', 'const char *', 'int', 'const char *', 'uint'])
const cOpenTree = declare('syscall', ['long', 'int', 'const char *', 'uint'])
const cMountSetattr = declare('syscall', ['long', 'int', 'const char *', 'uint', 'void *', 'size_t'])
const NR_OPEN_TREE = 428
const NR_MOVE_MOUNT = 429
const NR_FSOPEN = 430
const NR_FSCONFIG = 431
const NR_FSMOUNT = 432
const NR_MOUNT_SETATTR = 442

/** mount(2). */
export function mount(
  source: string | null,
  target: string,
  fstype: string | null,
  flags: number,
  data: string | null,
): void {
  for (const text of [source, target, data]) plain(text, 'mount')
  check(cMount(source, target, fstype, flags, data), 'mount', target)
}

/** umount2(2). */
export function umount2(target: string, flags: number): void {
  check(cUmount2(plain(target, 'umount2'), flags), 'umount2', target)
}

/**
 * umount2(2) on a thread of libuv's pool: the last unmount of an overlay writes out the whole file system beneath it.
 * False when it failed; the calling thread has no errno of it.
 */
export function umountOffThread(target: string, flags: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const call = cUmount2 as unknown as { async(...args: unknown[]): void }
  call.async(plain(target, 'umount2'), flags, (error: Error | null, result: number) => {
    if (error !== null) reject(error)
    else resolve(result !== -1)
  })
  return promise
}

/** fsopen(2): a configuration context for a file system of this type, close-on-exec. */
export function fsopen(fstype: string): number {
  return check(cFsopen(NR_FSOPEN, fstype, 1), 'fsopen', fstype)
}

/** fsconfig(2). Commands: 0 flag, 1 string, 5 fd, 6 create, 7 reconfigure. */
export function fsconfig(
  fd: number,
  command: number,
  key: string | null,
  value: string | null,
  aux: number,
): void {
  plain(value, 'fsconfig')
  check(cFsconfig(NR_FSCONFIG, fd, command, key, value, aux), 'fsconfig', key)
}

/** fsmount(2): a detached mount, close-on-exec. */
export function fsmount(fd: number, mountAttributes: number): number {
  return check(cFsmount(NR_FSMOUNT, fd, 1, mountAttributes), 'fsmount')
}

/** move_mount(2) of a detached mount to a path. */
export function moveMount(fromFd: number, target: string): void {
  const MOVE_MOUNT_F_EMPTY_PATH = 4
  check(
    cMoveMount(NR_MOVE_MOUNT, fromFd, '', -100, plain(target, 'move_mount'), MOVE_MOUNT_F_EMPTY_PATH),
    'move_mount',
    target,
  )
}

/** open_tree(2) relative to a directory fd (-100: the working directory). */
export function openTree(directoryFd: number, path: string, flags: number): number {
  return check(cOpenTree(NR_OPEN_TREE, directoryFd, plain(path, 'open_tree'), flags), 'open_tree', path)
}

/** mount_setattr(2); `attributes` is a struct mount_attr of four u64: set, clear, propagation, userns fd. */
export function mountSetattr(fd: number, path: string, flags: number, attributes: Buffer): void {
  const result = cMountSetattr(
    NR_MOUNT_SETATTR,
    fd,
    plain(path, 'mount_setattr'),
    flags,
    attributes,
    attributes.length,
  )
  check(result, 'mount_setattr', path)
}

// --- processes

const cPidfdOpen = declare('syscall', ['long', 'int', 'uint'])
const cPidfdSendSignal = declare('syscall', ['long', 'int', 'int', 'void *', 'uint'])
const cWaitid = declareInt('waitid', ['int', 'uint', 'void *', 'int'])
const cKill = declareInt('kill', ['int', 'int'])
const cPrlimit = declareInt('prlimit', ['int', 'int', 'void *', 'void *'])
const cPipe2 = declareInt('pipe2', ['void *', 'int'])
const NR_PIDFD_SEND_SIGNAL = 424
const NR_PIDFD_OPEN = 434

/** pidfd_open(2): close-on-exec, readable when the process has ended. */
export function pidfdOpen(pid: number): number {
  return check(cPidfdOpen(NR_PIDFD_OPEN, pid, 0), 'pidfd_open')
}

/** pidfd_send_signal(2). */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  check(cPidfdSendSignal(NR_PIDFD_SEND_SIGNAL, pidfd, signal, null, 0), 'pidfd_send_signal')
}

/** waitid(2) on a pidfd without waiting: the end of a child, or null while it runs. Reaps it. */
export function waitPidfd(pidfd: number): { readonly code: number; readonly status: number } | null {
  const P_PIDFD = 3
  const WEXITED_WNOHANG = 4 | 1
  const info = Buffer.alloc(128)
  check(cWaitid(P_PIDFD, pidfd, info, WEXITED_WNOHANG), 'waitid')
  if (info.readInt32LE(16) === 0) return null
  return { code: info.readInt32LE(8), status: info.readInt32LE(24) }
}

/** kill(2), for signals that Node has no name for (real-time signals). */
export function kill(pid: number, signal: number): void {
  check(cKill(pid, signal), 'kill')
}

/** prlimit(2) of this process: the soft and the hard limit; 2^64-1 means none. */
export function getrlimit(resource: number): { readonly soft: bigint; readonly hard: bigint } {
  const limit = Buffer.alloc(16)
  check(cPrlimit(0, resource, null, limit), 'prlimit')
  return { soft: limit.readBigUInt64LE(0), hard: limit.readBigUInt64LE(8) }
}

/** pipe2(2): reading end, writing end. */
export function pipe2(flags: number): readonly [number, number] {
  const fds = Buffer.alloc(8)
  check(cPipe2(fds, flags), 'pipe2')
  return [fds.readInt32LE(0), fds.readInt32LE(4)]
}

// --- posix_spawn(3)

const spawnSymbols = {
  spawn: declareInt('posix_spawn', [
    '_Out_ int *',
    'const char *',
    'void *',
    'void *',
    'const char **',
    'const char **',
  ]),
  actionsInit: declareInt('posix_spawn_file_actions_init', ['void *']),
  actionsDestroy: declareInt('posix_spawn_file_actions_destroy', ['void *']),
  actionsDup2: declareInt('posix_spawn_file_actions_adddup2', ['void *', 'int', 'int']),
  actionsChdir: declareInt('posix_spawn_file_actions_addchdir_np', ['void *', 'const char *']),
  actionsCloseFrom: declareInt('posix_spawn_file_actions_addclosefrom_np', ['void *', 'int']),
  attributesInit: declareInt('posix_spawnattr_init', ['void *']),
  attributesFlags: declareInt('posix_spawnattr_setflags', ['void *', 'short']),
  attributesSigmask: declareInt('posix_spawnattr_setsigmask', ['void *', 'void *']),
  attributesSigdefault: declareInt('posix_spawnattr_setsigdefault', ['void *', 'void *']),
}
const POSIX_SPAWN_SETSIGDEF = 0x04
const POSIX_SPAWN_SETSIGMASK = 0x08
const POSIX_SPAWN_SETSID = 0x80

/** What posix_spawn(3) is asked to do. */
export interface PosixSpawn {
  /** The absolute path of the program: there is no search. */
  readonly file: string
  readonly argv: readonly string[]
  /** `NAME=value`; nothing is inherited. */
  readonly env: readonly string[]
  readonly cwd: string | null
  readonly setsid: boolean
  /** Pairs: our fd, the child's fd. Our fds must not be numbers of the child's. */
  readonly fds: readonly (readonly [number, number])[]
}

/** posix_spawn(3): the pid of the child. It gets no other fd, close-on-exec or not; its signals are reset. */
export function posixSpawn(request: PosixSpawn): number {
  const actions = Buffer.alloc(256)
  const attributes = Buffer.alloc(512)
  spawnSymbols.actionsInit(actions)
  try {
    for (const [from, to] of request.fds) spawnSymbols.actionsDup2(actions, from, to)
    const highest = Math.max(2, ...request.fds.map(([, to]) => to))
    spawnSymbols.actionsCloseFrom(actions, highest + 1)
    if (request.cwd !== null) spawnSymbols.actionsChdir(actions, plain(request.cwd, 'posix_spawn'))
    spawnSymbols.attributesInit(attributes)
    // Node ignores SIGPIPE and may block others; an ignored signal survives exec.
    spawnSymbols.attributesSigdefault(attributes, Buffer.alloc(128, 0xff))
    spawnSymbols.attributesSigmask(attributes, Buffer.alloc(128, 0))
    const flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (request.setsid ? POSIX_SPAWN_SETSID : 0)
    spawnSymbols.attributesFlags(attributes, flags)
    for (const text of [...request.argv, ...request.env]) plain(text, 'posix_spawn')
    const pid: [number] = [0]
    // The result of posix_spawn is the errno itself.
    const failed = spawnSymbols.spawn(
      pid,
      request.file,
      actions,
      attributes,
      [...request.argv, null],
      [...request.env, null],
    )
    if (failed !== 0) throw new KernelError('posix_spawn', errnoName(failed), { path: request.file })
    return pid[0]
  } finally {
    spawnSymbols.actionsDestroy(actions)
  }
}

// --- readiness: epoll(7), and libuv's own poll handle to wait for the epoll fd in Node's loop

const cEpollCreate1 = declareInt('epoll_create1', ['int'])
const cEpollCtl = declareInt('epoll_ctl', ['int', 'int', 'int', 'void *'])
const cEpollWait = declareInt('epoll_wait', ['int', 'void *', 'int', 'int'])

/** epoll_create1(2), close-on-exec. */
export function epollCreate(): number {
  return check(cEpollCreate1(0o2000000), 'epoll_create1')
}

/** epoll_ctl(2): operation 1 add, 2 delete, 3 modify; `event` is a struct epoll_event. */
export function epollCtl(epollFd: number, operation: number, fd: number, event: Buffer | null): void {
  check(cEpollCtl(epollFd, operation, fd, event), 'epoll_ctl')
}

/** epoll_wait(2) without waiting: how many struct epoll_event were written. */
export function epollWait(epollFd: number, events: Buffer, maxEvents: number): number {
  return check(cEpollWait(epollFd, events, maxEvents, 0), 'epoll_wait')
}

/** Calls back from Node's event loop while an fd is readable. */
export interface LoopPoll {
  /** Lets the handle keep the process alive, or not. */
  ref(keepAlive: boolean): void
}

/**
 * Watches one fd for reading by libuv's uv_poll_t (docs.libuv.org/en/v1.x/poll.html), whose symbols the node
 * binary exports. Main thread only: a worker has another loop. For the life of the process: there is no close.
 */
export function loopPoll(fd: number, readable: () => void): LoopPoll {
  const UV_POLL = 8
  const UV_READABLE = 1
  const handleSize = libc.func('uv_handle_size', 'size_t', ['int']) as unknown as Call
  const defaultLoop = libc.func('uv_default_loop', 'void *', []) as unknown as () => unknown
  const pollInit = declareInt('uv_poll_init', ['void *', 'void *', 'int'])
  const prototype = koffi.pointer(koffi.proto('WharfPollCallback', 'void', ['void *', 'int', 'int']))
  const pollStart = libc.func('uv_poll_start', 'int', ['void *', 'int', prototype]) as unknown as Call
  const uvRef = libc.func('uv_ref', 'void', ['void *']) as unknown as Call
  const uvUnref = libc.func('uv_unref', 'void', ['void *']) as unknown as Call
  const handle = koffi.alloc('uint8_t', handleSize(UV_POLL)) as unknown
  const callback = koffi.register(readable, prototype)
  const failed = pollInit(defaultLoop(), handle, fd) || pollStart(handle, UV_READABLE, callback)
  if (failed !== 0) throw new KernelError('uv_poll_init', errnoName(-failed))
  uvUnref(handle)
  return { ref: (keepAlive) => void (keepAlive ? uvRef : uvUnref)(handle) }
}

// --- sockets that Node has no class for

const cSocket = declareInt('socket', ['int', 'int', 'int'])
const cConnect = declareInt('connect', ['int', 'void *', 'uint'])
const cSend = declare('send', ['int', 'void *', 'size_t', 'int'])
const cRecv = declare('recv', ['int', 'void *', 'size_t', 'int'])
const cShutdown = declareInt('shutdown', ['int', 'int'])

/** socket(2). */
export function socket(family: number, type: number, protocol: number): number {
  return check(cSocket(family, type, protocol), 'socket')
}

/** connect(2) to an address laid out by the caller (struct sockaddr_*). */
export function connect(fd: number, address: Buffer): void {
  check(cConnect(fd, address, address.length), 'connect')
}

/** send(2): how many bytes were taken. */
export function send(fd: number, bytes: Uint8Array, flags: number): number {
  return check(cSend(fd, bytes, bytes.length, flags), 'send')
}

/** recv(2): how many bytes came; 0 at the end. */
export function recv(fd: number, bytes: Uint8Array, flags: number): number {
  return check(cRecv(fd, bytes, bytes.length, flags), 'recv')
}

/** shutdown(2): 0 reading, 1 writing, 2 both. */
export function shutdown(fd: number, how: number): void {
  check(cShutdown(fd, how), 'shutdown')
}

// --- network: namespaces of the calling thread, and calls on sockets that Node has no option for

const cBind = declareInt('bind', ['int', 'void *', 'uint'])
const cListen = declareInt('listen', ['int', 'int'])
const cGetsockname = declareInt('getsockname', ['int', 'void *', 'void *'])
const cSetsockopt = declareInt('setsockopt', ['int', 'int', 'int', 'void *', 'uint'])
const cSetns = declareInt('setns', ['int', 'int'])
const cUnshare = declareInt('unshare', ['int'])
const cFchdir = declareInt('fchdir', ['int'])
const cChroot = declareInt('chroot', ['str'])

/** bind(2) to an address laid out by the caller (struct sockaddr_*). */
export function bind(fd: number, address: Buffer): void {
  check(cBind(fd, address, address.length), 'bind')
}

/** listen(2). */
export function listen(fd: number, backlog: number): void {
  check(cListen(fd, backlog), 'listen')
}

/** getsockname(2): the struct sockaddr_* that the socket is bound to. */
export function getsockname(fd: number): Buffer {
  const address = Buffer.alloc(128)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(address.length)
  check(cGetsockname(fd, address, length), 'getsockname')
  return address.subarray(0, length.readUInt32LE())
}

/** setsockopt(2) of an int option. */
export function setsockoptInt(
  fd: number,
  option: { readonly level: number; readonly name: number },
  value: number,
): void {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  check(cSetsockopt(fd, option.level, option.name, bytes, bytes.length), 'setsockopt')
}

/** setns(2) of the calling thread only: on the main thread go back before returning to the event loop. */
export function setns(fd: number, namespaceType: number): void {
  check(cSetns(fd, namespaceType), 'setns')
}

/** unshare(2) of the calling thread only. */
export function unshare(flags: number): void {
  check(cUnshare(flags), 'unshare')
}

/** fchdir(2); of the calling thread only when it has unshared its file system attributes. */
export function fchdir(fd: number): void {
  check(cFchdir(fd), 'fchdir')
}

/** chroot(2); of the calling thread only when it has unshared its file system attributes. */
export function chroot(path: string): void {
  check(cChroot(path), 'chroot', path)
}

/** As `send`, on a thread of libuv's pool: for a request that makes the kernel wait (deletion of a link). */
export function sendOffThread(fd: number, bytes: Uint8Array, flags: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const call = cSend as unknown as { async(...args: unknown[]): void }
  call.async(fd, bytes, bytes.length, flags, (error: Error | null, result: number) => {
    if (error !== null) reject(error)
    else if (result === -1) reject(new KernelError('send', 'EIO', { detail: 'off the main thread' }))
    else resolve(result)
  })
  return promise
}

const cFallocate = declareInt('fallocate', ['int', 'int', 'int64', 'int64'])

/** fallocate(2) with a mode of FALLOC_FL_*. */
export function fallocate(fd: number, mode: number, range: { offset: number; length: number }): void {
  check(cFallocate(fd, mode, range.offset, range.length), 'fallocate')
}
