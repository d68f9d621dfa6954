import { closeSync } from 'node:fs'
import { KernelError } from '#errors/errors.ts'
import { bind, errnoName, recv, send, sendOffThread, setsockoptInt, socket } from '../native/native.ts'
import { NLM_F_ACK, NLM_F_DUMP, parseAttributes, parseMessages, textOf } from './message.ts'
import type { NetlinkMessage, NetlinkReply } from './message.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLMSG_MIN_TYPE = 16
const NLM_F_DUMP_INTR = 0x10
const NLM_F_ACK_TLVS = 0x200

/** NETLINK_ROUTE and NETLINK_NETFILTER. */
export const NETLINK_ROUTE = 0
export const NETLINK_NETFILTER = 12

// One for all sockets: a reply is copied out before the next recv. 64 KiB holds every datagram of a dump.
const receiveBuffer = Buffer.alloc(64 * 1024)

/**
 * A netlink(7) socket. It belongs to the network namespace that the thread was in when it was opened, for good.
 *
 * The kernel answers a request inside send(2), so a request and its answer are two system calls and no waiting.
 */
export class NetlinkSocket implements Disposable {
  readonly #fd: number
  readonly #name: string
  #sequence = 1
  #open = true

  private constructor(fd: number, name: string) {
    this.#fd = fd
    this.#name = name
  }

  static open(protocol: number): NetlinkSocket {
    const fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol)
    try {
      const address = Buffer.alloc(12)
      address.writeUInt16LE(AF_NETLINK)
      bind(fd, address)
      setsockoptInt(fd, { level: SOL_NETLINK, name: NETLINK_EXT_ACK }, 1)
      setsockoptInt(fd, { level: SOL_NETLINK, name: NETLINK_CAP_ACK }, 1)
    } catch (error) {
      closeSync(fd)
      throw error
    }
    return new NetlinkSocket(fd, protocol === NETLINK_ROUTE ? 'rtnetlink' : 'nfnetlink')
  }

  /** Lets one request be this long (SO_SNDBUFFORCE): a transaction with many elements. */
  growSendBuffer(bytes: number): void {
    const SOL_SOCKET = 1
    const SO_SNDBUFFORCE = 32
    setsockoptInt(this.#fd, { level: SOL_SOCKET, name: SO_SNDBUFFORCE }, bytes)
  }

  /**
   * Sends requests as one datagram; the kernel does them in order, also those after one that failed.
   * @throws KernelError of the first that failed.
   */
  request(...messages: readonly NetlinkMessage[]): void {
    const first = this.#sequence
    const bytes = this.#finish(messages)
    this.#send(bytes)
    this.#collectAcks(first, messages.length)
  }

  /** As `request`, with send(2) on another thread: for deletions, in which the kernel waits for other processors. */
  async requestOffThread(...messages: readonly NetlinkMessage[]): Promise<void> {
    const first = this.#sequence
    const bytes = this.#finish(messages)
    await sendOffThread(this.#fd, bytes, 0)
    this.#collectAcks(first, messages.length)
  }

  /** Sends a request and returns the messages of the answer: one, or all of a dump. @throws KernelError. */
  query(message: NetlinkMessage, options: { readonly dump?: boolean } = {}): NetlinkReply[] {
    for (;;) {
      const sequence = this.#sequence++
      const bytes = message.finish(sequence)
      bytes.writeUInt16LE(bytes.readUInt16LE(6) | (options.dump === true ? NLM_F_DUMP : 0), 6)
      this.#send(bytes)
      const { replies, interrupted } = this.#collect(sequence, options.dump === true)
      // NLM_F_DUMP_INTR: what was listed changed meanwhile, the list may have holes.
      if (!interrupted) return replies
    }
  }

  /**
   * Sends a transaction of nfnetlink: begin, messages, end in one datagram. All of it happens, or nothing.
   * @throws KernelError of the first message that was refused.
   */
  batch(messages: readonly NetlinkMessage[]): void {
    const first = this.#sequence
    // Errors come unasked; of success only the last message before the end tells, acknowledged after the commit.
    const last = first + messages.length - 2
    this.#send(this.#finish(messages, { ackOnly: messages.length - 2 }))
    let failure: KernelError | null = null
    for (let done = false; !done;) {
      for (const reply of this.#receive()) {
        if (reply.type !== NLMSG_ERROR || reply.sequence < first) continue
        failure ??= this.#errorOf(reply)
        if (reply.sequence === last || failure !== null) done = true
      }
    }
    if (failure !== null) {
      this.#drain()
      throw failure
    }
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.#fd)
  }

  #finish(messages: readonly NetlinkMessage[], options: { readonly ackOnly?: number } = {}): Buffer {
    const finished = messages.map((message) => message.finish(this.#sequence++))
    for (const [index, bytes] of finished.entries()) {
      if (options.ackOnly !== undefined && index !== options.ackOnly) continue
      bytes.writeUInt16LE(bytes.readUInt16LE(6) | NLM_F_ACK, 6)
    }
    const [only, ...others] = finished
    return only !== undefined && others.length === 0 ? only : Buffer.concat(finished)
  }

  #collectAcks(first: number, count: number): void {
    let failure: KernelError | null = null
    for (let left = count; left > 0;) {
      for (const reply of this.#receive()) {
        if (reply.type !== NLMSG_ERROR || reply.sequence < first) continue
        failure ??= this.#errorOf(reply)
        left -= 1
      }
    }
    if (failure !== null) throw failure
  }

  #collect(sequence: number, dump: boolean): { replies: NetlinkReply[]; interrupted: boolean } {
    const replies: NetlinkReply[] = []
    let interrupted = false
    for (;;) {
      for (const reply of this.#receive()) {
        if (reply.sequence !== sequence) continue
        if ((reply.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true
        if (reply.type === NLMSG_ERROR) {
          const failure = this.#errorOf(reply)
          if (failure !== null) throw failure
          return { replies, interrupted }
        }
        if (reply.type === NLMSG_DONE) return { replies, interrupted }
        if (reply.type >= NLMSG_MIN_TYPE) replies.push({ ...reply, payload: Buffer.from(reply.payload) })
      }
      if (!dump && replies.length > 0) return { replies, interrupted }
    }
  }

  #send(bytes: Buffer): void {
    send(this.#fd, bytes, 0)
  }

  #receive(): NetlinkReply[] {
    return parseMessages(receiveBuffer.subarray(0, recv(this.#fd, receiveBuffer, 0)))
  }

  /** Throws away answers that nobody waits for. */
  #drain(): void {
    const MSG_DONTWAIT = 0x40
    for (;;) {
      try {
        recv(this.#fd, receiveBuffer, MSG_DONTWAIT)
      } catch {
        return // EAGAIN: nothing is left.
      }
    }
  }

  #errorOf(reply: NetlinkReply): KernelError | null {
    const errno = reply.payload.readInt32LE(0)
    if (errno === 0) return null
    // struct nlmsgerr, with NETLINK_CAP_ACK: errno and the header of the request; then NLMSGERR_ATTR_MSG (1).
    const text = (reply.flags & NLM_F_ACK_TLVS) === 0 ? undefined : parseAttributes(reply.payload, 20).get(1)
    return new KernelError(this.#name, errnoName(-errno), text === undefined ? {} : { detail: textOf(text) })
  }
}
