import { randomBytes } from 'node:crypto'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { InvalidArgumentError, NotFoundError, UnavailableError } from '#errors/errors.ts'
import {
  MAX_SESSION_LINE_BYTES,
  SESSION_TAKEN,
  type SessionCall,
  type SessionCallKind,
  type SessionRefusal,
} from '#spec/build-session.ts'

type Pending = PromiseWithResolvers<Duplex>

/** The client of one build, as the steps see it: asked by kind and name, it answers with a connection. */
export class ClientSession {
  readonly id = randomBytes(16).toString('hex')
  readonly #connection: Duplex
  readonly #pending = new Map<string, Pending>()
  #calls = 0
  #isOpen = true

  constructor(connection: Duplex) {
    this.#connection = connection
    this.#send({ session: this.id })
  }

  /**
   * Asks the client and waits for its connection, which the caller must end.
   * @throws NotFoundError when the client has no such thing; InvalidArgumentError with its words when it cannot give
   * it; UnavailableError when it is gone; the signal's reason
   */
  async ask(kind: SessionCallKind, name: string, signal: AbortSignal): Promise<Duplex> {
    signal.throwIfAborted()
    if (!this.#isOpen) throw new UnavailableError(`cannot ask for ${kind} "${name}": the client is gone`)
    this.#calls += 1
    const call = String(this.#calls)
    const pending = Promise.withResolvers<Duplex>()
    this.#pending.set(call, pending)
    const abort = (): void => pending.reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    try {
      this.#send({ call, kind, name } satisfies SessionCall)
      return await pending.promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#pending.delete(call)
    }
  }

  /** Sends bytes to the client and waits until it says that it has taken all. @throws as `ask` */
  async give(
    to: { readonly kind: 'output' | 'cache-out'; readonly name: string },
    bytes: Readable,
    signal: AbortSignal,
  ): Promise<void> {
    const connection = await this.ask(to.kind, to.name, signal)
    let answer = ''
    const answered = new Promise<void>((resolve) => {
      connection.on('data', (chunk: Buffer) => (answer = (answer + chunk.toString()).slice(0, 100)))
      connection.once('end', resolve).once('close', resolve)
    })
    await pipeline(bytes, connection, { signal })
    await answered
    connection.destroy()
    signal.throwIfAborted()
    if (answer !== SESSION_TAKEN) throw new UnavailableError(`the client did not take ${to.kind} ${to.name}`)
  }

  /** A connection that the client opened for a call. @throws NotFoundError when nobody waits for it. */
  answer(call: string): (connection: Duplex) => void {
    const pending = this.#pending.get(call)
    if (pending === undefined) throw new NotFoundError(`no such call of the build session: ${call}`)
    this.#pending.delete(call)
    return pending.resolve
  }

  /** Reads the client's refusals until it leaves; then whoever waits is told. */
  async serve(): Promise<void> {
    try {
      for await (const line of lines(this.#connection)) this.#refused(JSON.parse(line) as SessionRefusal)
    } catch {
      // A client that breaks off or talks nonsense is gone.
    }
    this.#isOpen = false
    this.#connection.destroy()
    for (const { reject } of this.#pending.values())
      reject(new UnavailableError('the client of the build is gone'))
  }

  #refused(refusal: SessionRefusal): void {
    const pending = this.#pending.get(String(refusal.call))
    const message = String(refusal.error)
    pending?.reject(refusal.missing === true ? new NotFoundError(message) : new InvalidArgumentError(message))
  }

  #send(message: object): void {
    this.#connection.write(`${JSON.stringify(message)}\n`)
  }
}

async function* lines(source: AsyncIterable<unknown>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of source) {
    rest += (chunk as Buffer).toString('utf8')
    const parts = rest.split('\n')
    rest = parts.pop() as string
    yield* parts
    if (rest.length > MAX_SESSION_LINE_BYTES) throw new InvalidArgumentError('line too long')
  }
}

/** The sessions that are open now. */
export class ClientSessions {
  readonly #open = new Map<string, ClientSession>()

  /** Serves a client's session until it leaves. */
  async serve(connection: Duplex): Promise<void> {
    const session = new ClientSession(connection)
    this.#open.set(session.id, session)
    try {
      await session.serve()
    } finally {
      this.#open.delete(session.id)
    }
  }

  /** @throws NotFoundError */
  get(id: string): ClientSession {
    const session = this.#open.get(id)
    if (session === undefined) throw new NotFoundError(`no such build session: ${id}`)
    return session
  }
}
