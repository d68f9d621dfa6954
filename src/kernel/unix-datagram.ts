import { closeSync } from 'node:fs'
import { errnoOf, KernelError } from '#errors/errors.ts'
import { connect, send, setsockoptInt, socket } from './native/native.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const MSG_NOSIGNAL = 0x4000
const SOL_SOCKET = 1
/** socket(7): a datagram must fit whole; beyond the limit of the system, for root. */
const SO_SNDBUFFORCE = 32
const SEND_BYTES = 8 * 1024 * 1024
/** sun_path of unix(7), with its NUL. */
const PATH_BYTES = 108

/** A connected datagram socket of unix(7), which Node does not have: syslog's and the journal's way in. */
export class UnixDatagram implements Disposable {
  readonly #fd: number
  readonly #path: string

  /** @throws KernelError ENOENT, ECONNREFUSED … */
  constructor(path: string) {
    if (Buffer.byteLength(path) >= PATH_BYTES) throw new KernelError('connect', 'ENAMETOOLONG', { path })
    const address = Buffer.alloc(2 + PATH_BYTES)
    address.writeUInt16LE(AF_UNIX, 0)
    address.write(path, 2)
    this.#path = path
    this.#fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    try {
      setsockoptInt(this.#fd, { level: SOL_SOCKET, name: SO_SNDBUFFORCE }, SEND_BYTES)
      connect(this.#fd, address)
    } catch (error) {
      closeSync(this.#fd)
      throw new KernelError('connect', errnoOf(error) ?? 'EIO', { path, cause: error })
    }
  }

  /** Sends one datagram. @throws KernelError EAGAIN when the receiver is behind, ECONNREFUSED when it is gone */
  send(bytes: Uint8Array): void {
    try {
      send(this.#fd, bytes, MSG_NOSIGNAL)
    } catch (error) {
      throw new KernelError('send', errnoOf(error) ?? 'EIO', { path: this.#path, cause: error })
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
