import { errnoOf } from '#errors/errors.ts'
import { watchFd, type FdWatch } from '#kernel/readiness.ts'
import {
  closeSeqpacket,
  connectSeqpacket,
  endPackets,
  receivePacket,
  sendPacket,
  whenSendable,
} from '#kernel/seqpacket.ts'
import { AttachmentQueue } from './attachment-queue.ts'
import type { Attachment } from './runtime.ts'

/** conmon's packets: a byte that names the pipe, then at most 8 KiB of output. */
const STDERR_PIPE = 3
const PACKET_BYTES = 8 * 1024 + 1
const SLAB_BYTES = 64 * 1024
/** How much conmon takes in one packet. */
const STDIN_PACKET_BYTES = 32 * 1024
/** Packets read in one turn of the event loop: others get theirs too. */
const PACKETS_A_TURN = 128

/**
 * Our one connection to the attach socket of a conmon, shared by all clients: a client that leaves does not end the
 * process' stdin, and conmon never waits for more than us.
 */
export class AttachConnection {
  readonly #fd: number
  readonly #stdin: 'none' | 'once' | 'kept'
  readonly #queues = new Set<AttachmentQueue>()
  readonly #onClosed: () => void
  #watch: FdWatch | null = null
  #closed = false
  #stdinEnded = false
  #writes: Promise<void> = Promise.resolve()
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #used = 0

  /** @throws KernelError when conmon is not there */
  constructor(
    path: string,
    options: { readonly stdin: 'none' | 'once' | 'kept'; readonly onClosed: () => void },
  ) {
    this.#fd = connectSeqpacket(path)
    this.#stdin = options.stdin
    this.#onClosed = options.onClosed
    this.#resume()
  }

  /** A client of this connection: it gets all that comes from now on. */
  open(): Attachment {
    const queue = new AttachmentQueue(() => this.#resume())
    if (this.#closed) queue.end()
    else this.#queues.add(queue)
    return {
      output: queue,
      write: (bytes) => this.#write(bytes),
      endStdin: () => this.#endStdin(),
      [Symbol.dispose]: () => {
        queue.end()
        this.#queues.delete(queue)
        this.#release()
      },
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch?.close()
    closeSeqpacket(this.#fd)
    for (const queue of this.#queues) queue.end()
    this.#queues.clear()
    this.#onClosed()
  }

  /** Without clients there is nothing to read for; but closing would end a stdin that a client may still use. */
  #release(): void {
    if (this.#queues.size > 0 || this.#closed) return
    if (this.#stdin !== 'once' || this.#stdinEnded) this.close()
    else this.#resume()
  }

  #resume(): void {
    if (this.#watch === null && !this.#closed) this.#watch = watchFd(this.#fd, () => this.#receive())
  }

  #pause(): void {
    this.#watch?.close()
    this.#watch = null
  }

  #receive(): void {
    for (let packets = 0; packets < PACKETS_A_TURN; packets++) {
      if (SLAB_BYTES - this.#used < PACKET_BYTES) {
        this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
        this.#used = 0
      }
      const space = this.#slab.subarray(this.#used, this.#used + PACKET_BYTES)
      const length = this.#next(space)
      if (length === null) return
      if (length === 0) return this.close()
      this.#used += length
      this.#deliver(space.subarray(0, length))
      if ([...this.#queues].some((queue) => queue.isFull)) return this.#pause()
    }
  }

  #next(space: Buffer): number | null {
    for (;;) {
      try {
        return receivePacket(this.#fd, space)
      } catch (error) {
        // conmon ended with stdin of ours unread: the kernel says so once, what conmon had sent comes after it.
        if (errnoOf(error) !== 'ECONNRESET') return 0
      }
    }
  }

  #deliver(packet: Buffer): void {
    const stream = packet[0] === STDERR_PIPE ? 'stderr' : 'stdout'
    const chunk = { stream, bytes: packet.subarray(1) } as const
    for (const queue of this.#queues) queue.push(chunk)
  }

  /** Writes of several clients go one after the other. */
  #write(bytes: Uint8Array): Promise<void> {
    this.#writes = this.#writes.then(() => this.#send(bytes))
    return this.#writes
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.#isWritable();) {
      const part = bytes.subarray(at, at + STDIN_PACKET_BYTES)
      let isSent: boolean
      try {
        isSent = sendPacket(this.#fd, part)
      } catch {
        // The process has ended or closed its stdin: what is written to it goes where it would go from a terminal.
        return
      }
      if (isSent) at += part.length
      else await whenSendable(this.#fd)
    }
  }

  #isWritable(): boolean {
    return !this.#closed && !this.#stdinEnded && this.#stdin !== 'none'
  }

  #endStdin(): void {
    if (this.#stdin !== 'once') return
    this.#writes = this.#writes.then(() => {
      if (!this.#isWritable()) return
      this.#stdinEnded = true
      endPackets(this.#fd)
      this.#release()
    })
  }
}
