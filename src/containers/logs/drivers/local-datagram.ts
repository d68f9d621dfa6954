import { setTimeout as sleep } from 'node:timers/promises'
import { errnoOf } from '#errors/errors.ts'
import { UnixDatagram } from '#kernel/unix-datagram.ts'

/** How long a receiver may be behind: the kernel queues ten datagrams for it (net.unix.max_dgram_qlen). */
const BEHIND_MS = 5_000
const PAUSE_MS = 2

/** Datagrams to a service of this machine: syslog, the journal. Connects when there is something to send, and again after it broke. */
export class LocalDatagram {
  readonly #path: () => string
  #socket: UnixDatagram | null = null

  /** @param path asked for at each connection */
  constructor(path: () => string) {
    this.#path = path
  }

  /** Resolves when the service has it in its queue. @throws KernelError when it is not there, or takes nothing for long */
  async send(bytes: Uint8Array): Promise<void> {
    const untilMs = Date.now() + BEHIND_MS
    for (;;) {
      try {
        this.#socket ??= new UnixDatagram(this.#path())
        this.#socket.send(bytes)
        return
      } catch (error) {
        if (errnoOf(error) !== 'EAGAIN' || Date.now() > untilMs) {
          this.close()
          throw error
        }
      }
      await sleep(PAUSE_MS, null, { ref: false })
    }
  }

  close(): void {
    this.#socket?.[Symbol.dispose]()
    this.#socket = null
  }
}
