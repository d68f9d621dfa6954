import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { KernelError, errnoOf } from '#errors/errors.ts'
import { dupFd } from './native/files.ts'
import { connect, recv, send, shutdown, socket } from './native/native.ts'
import { whenReady } from './readiness.ts'

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const MSG_NOSIGNAL = 0x4000
const O_PATH = 0o10000000
/** sun_path of unix(7), with its NUL. */
const PATH_BYTES = 108

/**
 * Connects to a unix SOCK_SEQPACKET socket, which Node's `net` cannot. The path may be longer than the 107 bytes of
 * unix(7): its directory is opened, and named by its fd. The fd does not block; the caller closes it.
 * @throws KernelError ENOENT, ECONNREFUSED …
 */
export function connectSeqpacket(path: string): number {
  const directory = openSync(dirname(path), O_PATH | constants.O_DIRECTORY)
  try {
    const address = Buffer.alloc(2 + PATH_BYTES)
    address.writeUInt16LE(AF_UNIX, 0)
    const short = `/proc/self/fd/${String(directory)}/${basename(path)}`
    if (Buffer.byteLength(short) >= PATH_BYTES) throw new KernelError('connect', 'ENAMETOOLONG', { path })
    address.write(short, 2)
    const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    try {
      connect(fd, address)
      return fd
    } catch (error) {
      closeSync(fd)
      throw new KernelError('connect', errnoOf(error) ?? 'EIO', { path, cause: error })
    }
  } finally {
    closeSync(directory)
  }
}

/** Reads one packet: its length, 0 at the end, null when there is none now. @throws KernelError ECONNRESET … */
export function receivePacket(fd: number, buffer: Buffer): number | null {
  return unlessBusy(() => recv(fd, buffer, 0))
}

/** Sends one packet whole; false when the peer's queue is full now. @throws KernelError EPIPE … */
export function sendPacket(fd: number, bytes: Uint8Array): boolean {
  return unlessBusy(() => send(fd, bytes, MSG_NOSIGNAL)) !== null
}

/**
 * Resolves when a packet can be sent, or the socket was shut down. Reading may be watched meanwhile: epoll knows a copy
 * of the fd as another one.
 */
export async function whenSendable(fd: number): Promise<void> {
  const copy = dupFd(fd, 0)
  try {
    await whenReady(copy, { event: 'writable' })
  } finally {
    closeSync(copy)
  }
}

/** Tells the peer that nothing more will be sent. */
export function endPackets(fd: number): void {
  const SHUT_WR = 1
  shutdown(fd, SHUT_WR)
}

/** Ends both directions, for copies of the fd too, and closes it. */
export function closeSeqpacket(fd: number): void {
  const SHUT_RDWR = 2
  try {
    shutdown(fd, SHUT_RDWR)
  } finally {
    closeSync(fd)
  }
}

function unlessBusy(call: () => number): number | null {
  for (;;) {
    try {
      return call()
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'EAGAIN' || errno === 'EWOULDBLOCK') return null
      if (errno !== 'EINTR') throw error
    }
  }
}
