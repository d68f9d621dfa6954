import { createSocket } from 'node:dgram'
import { randomInt } from 'node:crypto'
import { connect, isIPv6 } from 'node:net'

/** How long one server is waited for before the next one is asked too, and all of them together. */
const NEXT_SERVER_MS = 700
const TOTAL_MS = 6000
const MAX_QUERIES = 512
const MAX_CACHED = 2000
const MAX_TTL_MS = 30_000
/** A server that did not answer is asked after the others for so long. */
const FAILED_MS = 15_000
const FLAG_TRUNCATED = 0x02
const RCODE_NXDOMAIN = 3

/**
 * Asks other servers what the embedded DNS does not know: one after the other without waiting for the slow, the first good answer wins. Answers pass
 * through byte for byte, so every record type works. Answers are kept for as long as they say, at most half a minute.
 */
export class Upstream {
  readonly #cache = new Map<string, { readonly answer: Buffer; readonly until: number }>()
  readonly #failedUntil = new Map<string, number>()
  #running = 0
  #hits = 0

  /** How many answers came from the cache. */
  get hits(): number {
    return this.#hits
  }

  /** The answer to a query with the query's id, or null when no server gave one in time. */
  async ask(
    query: Buffer,
    options: {
      readonly servers: readonly string[]
      readonly tcp: boolean
      readonly ttlOf: (answer: Buffer) => number
    },
  ): Promise<Buffer | null> {
    const key = `${options.servers.join()} ${String(options.tcp)} ${query.toString('latin1', 2)}`
    const cached = this.#cache.get(key)
    if (cached !== undefined && cached.until > Date.now()) {
      this.#hits += 1
      return withId(cached.answer, query.readUInt16BE(0))
    }
    this.#cache.delete(key)
    if (this.#running >= MAX_QUERIES || options.servers.length === 0) return null
    this.#running += 1
    try {
      const servers = this.#inOrder(options.servers)
      const answer = await race(query, {
        servers,
        tcp: options.tcp,
        told: (server, ok) => this.#remember(server, ok),
      })
      if (answer !== null) this.#keep(key, answer, options.ttlOf(answer) * 1000)
      return answer === null ? null : withId(answer, query.readUInt16BE(0))
    } finally {
      this.#running -= 1
    }
  }

  /** As they were given, those that failed lately last. */
  #inOrder(servers: readonly string[]): string[] {
    const now = Date.now()
    const failed = (server: string): number => ((this.#failedUntil.get(server) ?? 0) > now ? 1 : 0)
    return servers.toSorted((a, b) => failed(a) - failed(b))
  }

  #remember(server: string, answered: boolean): void {
    if (answered) this.#failedUntil.delete(server)
    else this.#failedUntil.set(server, Date.now() + FAILED_MS)
  }

  #keep(key: string, answer: Buffer, ttlMs: number): void {
    const truncated = (answer.readUInt8(2) & FLAG_TRUNCATED) !== 0
    if (ttlMs <= 0 || truncated) return
    const [oldest] = this.#cache.keys()
    if (this.#cache.size >= MAX_CACHED && oldest !== undefined) this.#cache.delete(oldest)
    this.#cache.set(key, { answer, until: Date.now() + Math.min(ttlMs, MAX_TTL_MS) })
  }
}

function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(id, 0)
  return copy
}

function race(
  query: Buffer,
  options: {
    readonly servers: readonly string[]
    readonly tcp: boolean
    /** Told of each server whether it answered in time. */
    readonly told: (server: string, answered: boolean) => void
  },
): Promise<Buffer | null> {
  const { promise, resolve } = Promise.withResolvers<Buffer | null>()
  const open: Disposable[] = []
  let next = 0
  let pending = 0
  let fallback: Buffer | null = null
  let timer: NodeJS.Timeout | undefined
  const finish = (answer: Buffer | null): void => {
    clearTimeout(timer)
    clearTimeout(limit)
    for (const exchange of open.splice(0)) exchange[Symbol.dispose]()
    resolve(answer)
  }
  const limit = setTimeout(() => finish(fallback), TOTAL_MS)
  const askNext = (): void => {
    clearTimeout(timer)
    const server = options.servers[next++]
    if (server === undefined) {
      if (pending === 0) finish(fallback)
      return
    }
    pending += 1
    const done = (answer: Buffer | null): void => {
      pending -= 1
      options.told(server, answer !== null)
      // A server that fails or refuses may have a colleague that does not.
      if (answer !== null && [0, RCODE_NXDOMAIN].includes(answer.readUInt8(3) & 15)) finish(answer)
      else {
        fallback ??= answer
        askNext()
      }
    }
    open.push(options.tcp ? exchangeTcp(query, server, done) : exchangeUdp(query, server, done))
    timer = setTimeout(() => {
      options.told(server, false)
      askNext()
    }, NEXT_SERVER_MS)
  }
  askNext()
  return promise
}

type Done = (answer: Buffer | null) => void

function exchangeUdp(query: Buffer, server: string, done: Done): Disposable {
  // A fresh port and a fresh id for each query: an answer cannot be guessed (RFC 5452).
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4')
  const sent = withId(query, randomInt(0x10000))
  let over = false
  const end = (answer: Buffer | null): void => {
    if (over) return
    over = true
    socket.close()
    done(answer)
  }
  socket.on('error', () => end(null))
  socket.on('message', (message) => {
    if (isAnswerTo(sent, message)) end(message)
  })
  socket.connect(53, server, () => socket.send(sent, (error) => void (error !== null && end(null))))
  return {
    [Symbol.dispose]: () => {
      if (over) return
      over = true
      socket.close()
    },
  }
}

function exchangeTcp(query: Buffer, server: string, done: Done): Disposable {
  const socket = connect({ host: server, port: 53 })
  const sent = withId(query, randomInt(0x10000))
  const chunks: Buffer[] = []
  let over = false
  const end = (answer: Buffer | null): void => {
    if (over) return
    over = true
    socket.destroy()
    done(answer)
  }
  socket.on('error', () => end(null))
  socket.on('close', () => end(null))
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return
    const message = bytes.subarray(2, 2 + bytes.readUInt16BE(0))
    end(isAnswerTo(sent, message) ? message : null)
  })
  socket.end(framed(sent))
  return {
    [Symbol.dispose]: () => {
      over = true
      socket.destroy()
    },
  }
}

/** A message with its length before it: DNS over TCP (RFC 1035 section 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

function isAnswerTo(query: Buffer, message: Buffer): boolean {
  return (
    message.length >= 12 &&
    message.readUInt16BE(0) === query.readUInt16BE(0) &&
    (message.readUInt8(2) & 0x80) !== 0
  )
}
