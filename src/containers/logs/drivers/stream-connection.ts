import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

const TIMEOUT_MS = 10_000
/** A receiver that takes nothing for so long is taken for dead. */
const WRITE_MS = 30_000

/** Where a stream goes: TCP, TLS, or a unix socket. */
export type StreamTarget =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly tls: ConnectionOptions }
  | { readonly kind: 'unix'; readonly path: string }

/** A connection to a sink, made when it is first written to and again after it broke. */
export class StreamConnection {
  readonly #target: StreamTarget
  readonly #writeMs: number
  #socket: Socket | null = null

  constructor(target: StreamTarget, writeMs: number = WRITE_MS) {
    this.#target = target
    this.#writeMs = writeMs
  }

  /** Writes; resolves when the kernel has taken the bytes. @throws Error when the other side cannot be reached */
  async write(bytes: Uint8Array): Promise<void> {
    const socket = await this.#connected()
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(error)
      const timer = setTimeout(() => {
        socket.destroy()
        reject(new Error('the log sink takes nothing'))
      }, this.#writeMs)
      socket.once('error', fail)
      socket.write(bytes, (error) => {
        clearTimeout(timer)
        socket.off('error', fail)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** Waits for the next bytes from the other side: acknowledgements. */
  async read(timeoutMs: number): Promise<Buffer> {
    const socket = await this.#connected()
    return await new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => done(() => reject(new Error('no answer of the log sink'))), timeoutMs)
      const onData = (bytes: Buffer): void => done(() => resolve(bytes))
      const onClose = (): void => done(() => reject(new Error('the log sink closed the connection')))
      const done = (finish: () => void): void => {
        clearTimeout(timer)
        socket.off('data', onData).off('close', onClose)
        finish()
      }
      socket.once('data', onData).once('close', onClose)
    })
  }

  close(): void {
    this.#socket?.end()
    this.#socket = null
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== null && this.#socket.writable) return this.#socket
    this.#socket = await connectTo(this.#target)
    this.#socket.on('error', () => {})
    this.#socket.once('close', () => (this.#socket = null))
    this.#socket.unref()
    return this.#socket
  }
}

async function connectTo(target: StreamTarget): Promise<Socket> {
  const socket =
    target.kind === 'unix'
      ? connectTcp(target.path)
      : target.kind === 'tcp'
        ? connectTcp(target.port, target.host)
        : connectTls({ ...target.tls, host: target.host, port: target.port })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('the log sink does not answer')), TIMEOUT_MS)
    socket.once(target.kind === 'tls' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve()
    })
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
  return socket
}
