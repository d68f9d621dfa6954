import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AnswerFacts } from '../authorization.ts'
import { errorBody, errorStatus } from './errors.ts'

/** The media type of a hijacked connection, by whether its frames are multiplexed (API "Attach"). */
export const RAW_STREAM = 'application/vnd.docker.raw-stream'
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream'

/** What a handler answers with. Exactly one of its methods is called, once (`write` aside). */
export class ApiResponse {
  readonly #outgoing: ServerResponse
  readonly #incoming: IncomingMessage
  /** Taken over by `hijack`: nobody else may write to the connection any more. */
  #hijacked = false
  #isHeld = false
  #gate: ((answer: AnswerFacts) => Promise<void>) | null = null

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming
    this.#outgoing = outgoing
  }

  /** Tells whether the head is on its way: an error can then no longer change the status. */
  get isStarted(): boolean {
    return this.#hijacked || this.#isHeld || this.#outgoing.headersSent
  }

  get isHijacked(): boolean {
    return this.#hijacked
  }

  header(name: string, value: string): void {
    this.#outgoing.setHeader(name, value)
  }

  /** Whole answers (not streams) are held until this has seen them; what it throws is sent instead. */
  gate(check: (answer: AnswerFacts) => Promise<void>): void {
    this.#gate = check
  }

  json(status: number, value: unknown): void {
    this.#answer(status, { type: 'application/json', body: JSON.stringify(value) + '\n' })
  }

  /** An answer without a body. */
  empty(status: number): void {
    this.#answer(status, null)
  }

  text(status: number, text: string, type = 'text/plain; charset=utf-8'): void {
    this.#answer(status, { type, body: text })
  }

  #answer(status: number, content: { readonly type: string; readonly body: string } | null): void {
    const gate = this.#gate
    this.#gate = null
    if (gate === null) {
      this.#send(status, content)
      return
    }
    this.#isHeld = true
    const headers = Object.fromEntries(
      Object.entries(this.#outgoing.getHeaders()).map(([name, value]) => [name, String(value)]),
    )
    gate({ status, headers, body: content?.body ?? null }).then(
      () => this.#send(status, content),
      (error: unknown) =>
        this.#send(errorStatus(error), { type: 'application/json', body: errorBody(error) }),
    )
  }

  #send(status: number, content: { readonly type: string; readonly body: string } | null): void {
    const hasBody = status !== 204 && status !== 304
    if (content !== null) this.#outgoing.setHeader('Content-Type', content.type)
    const body = Buffer.from(content?.body ?? '')
    if (hasBody) this.#outgoing.setHeader('Content-Length', body.byteLength)
    this.#outgoing.writeHead(status)
    this.#outgoing.end(body)
  }

  /** Sends the head now: what follows comes by `write` and `end`. */
  start(status: number, type: string): void {
    this.#outgoing.setHeader('Content-Type', type)
    this.#outgoing.writeHead(status)
    this.#outgoing.flushHeaders()
  }

  /** Sends a piece of the body; resolves when the client can take more, at once when it has left. */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (this.#outgoing.destroyed || this.#outgoing.writableEnded) return
    if (this.#outgoing.write(bytes)) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#outgoing.off('drain', done)
        this.#outgoing.off('close', done)
        resolve()
      }
      this.#outgoing.on('drain', done)
      this.#outgoing.on('close', done)
    })
  }

  /**
   * As `write`, for small lines that need not wait for a slow client. Each is a chunk of its own: clients take a chunk for a
   * message (docker-py's low-level API), and Node would make one chunk of what is written in one turn to a socket that is not corked.
   */
  writeLine(value: object): void {
    if (this.#outgoing.writableEnded) return
    const { socket } = this.#outgoing
    socket?.cork()
    this.#outgoing.write(JSON.stringify(value) + '\r\n')
    socket?.uncork()
  }

  end(): void {
    this.#outgoing.end()
  }

  /** Sends a whole stream. When it fails half-way the connection is cut, so that the client sees it is not whole. */
  async stream(status: number, type: string, body: Readable): Promise<void> {
    this.start(status, type)
    await pipeline(body, this.#outgoing)
  }

  /** Cuts the connection: the body that was begun cannot be completed. */
  cut(): void {
    this.#outgoing.destroy()
  }

  /** Gives the connection of an upgrade to a protocol that answers it itself (websocket). */
  release(): void {
    this.#hijacked = true
    this.#outgoing.detachSocket(this.#connection())
  }

  /**
   * Takes the connection over after sending the head: `101 UPGRADED` when the client asked for an upgrade, else a
   * plain 200 without length, as dockerd has done since before upgrades (clients of both kinds exist).
   * Headers that Docker sends on other answers are not sent here, Content-Type aside.
   */
  hijack(options: { readonly type: string; readonly upgradeType?: string }): Socket {
    const socket = this.#connection()
    const { upgrade, connection } = this.#incoming.headers
    const upgraded = upgrade !== undefined
    // Without `Connection: Upgrade` it is none in Node's eyes, though Docker answers as if it were.
    const isParsed = !upgraded || !/\bupgrade\b/i.test(connection ?? '')
    this.#hijacked = true
    this.#outgoing.detachSocket(socket)
    if (isParsed) releaseParser(socket)
    const head = upgraded
      ? `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${options.type}\r\nConnection: Upgrade\r\nUpgrade: ${options.upgradeType ?? 'tcp'}\r\n`
      : `HTTP/1.1 200 OK\r\nContent-Type: ${options.type}\r\n`
    socket.write(`${head}\r\n`)
    return socket
  }

  /**
   * Where the answer goes. When the body of an upgrade comes after its head, Node hands over a stream on top of the
   * connection: the connection itself is still read by the parser.
   */
  #connection(): Socket {
    return this.#outgoing.socket ?? this.#incoming.socket
  }
}

/** Node's parser reads a connection that was not upgraded: its listeners go, and ours get the bytes. */
function releaseParser(socket: Socket): void {
  for (const event of ['data', 'end', 'close', 'timeout', 'drain', 'error', 'pause', 'resume']) {
    socket.removeAllListeners(event)
  }
  socket.setTimeout(0)
}
