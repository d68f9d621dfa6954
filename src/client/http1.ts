import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { UnavailableError } from '#errors/errors.ts'

/*
 * HTTP/1.1 on a socket of its own, one exchange each. Node's own client would do, but loading it costs more than
 * all the rest of a `wharf ps` (35 ms of 75), and the API needs the bare socket after an upgrade anyway.
 */

/** The head of a response; header names in lower case. */
export interface ResponseHead {
  readonly status: number
  readonly statusText: string
  readonly headers: ReadonlyMap<string, string>
}

/** A response whose body is not read yet; `socket` with `rest` is the bare connection after an upgrade. */
export interface RawResponse extends ResponseHead {
  readonly socket: Socket
  readonly rest: Buffer
}

const MAX_HEAD_BYTES = 256 * 1024
const HEAD_END = Buffer.from('\r\n\r\n')

/** Reads a response's head. @throws UnavailableError when the peer closes or talks something else. */
export function readHead(socket: Socket): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let seen: Buffer = Buffer.alloc(0)
    const done = () => {
      socket.pause()
      socket.off('data', onData).off('error', onError).off('close', onClose)
    }
    const fail = (error: Error) => {
      done()
      socket.destroy()
      reject(error)
    }
    const onError = (error: Error) => fail(error)
    const onClose = () => fail(new UnavailableError('the daemon closed the connection before it answered'))
    const onData = (chunk: Buffer) => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      const end = seen.indexOf(HEAD_END)
      if (end < 0) {
        if (seen.length > MAX_HEAD_BYTES) fail(new UnavailableError('the head of the answer is too large'))
        return
      }
      const head = parseHead(seen.toString('latin1', 0, end))
      if (head === null) return fail(new UnavailableError('malformed HTTP response'))
      const rest = seen.subarray(end + 4)
      if (head.status === 100) {
        seen = rest
        return onData(Buffer.alloc(0))
      }
      done()
      resolve({ ...head, socket, rest })
    }
    socket.on('data', onData).on('error', onError).on('close', onClose)
  })
}

function parseHead(text: string): ResponseHead | null {
  const lines = text.split('\r\n')
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(lines[0] ?? '')
  if (match === null) return null
  const headers = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon < 1) return null
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(match[1]), statusText: match[2] ?? '', headers }
}

/** The bytes of a response's body, as they come; ends when the body does and closes the socket. */
export async function* bodyChunks(response: RawResponse): AsyncGenerator<Buffer> {
  const { socket, headers, status } = response
  try {
    if (status === 204 || status === 304) return
    const source = socketChunks(response)
    if (/\bchunked\b/i.test(headers.get('transfer-encoding') ?? '')) yield* unchunk(source)
    else if (headers.has('content-length')) yield* exactly(source, Number(headers.get('content-length')))
    else yield* source
  } finally {
    socket.destroy()
  }
}

/** The body as a Readable, for pipes. */
export function bodyStream(response: RawResponse): Readable {
  return Readable.from(bodyChunks(response), { objectMode: false })
}

async function* socketChunks({ socket, rest }: RawResponse): AsyncGenerator<Buffer> {
  if (rest.length > 0) yield rest
  for await (const chunk of socket) yield chunk as Buffer
}

async function* exactly(source: AsyncIterable<Buffer>, lengthBytes: number): AsyncGenerator<Buffer> {
  let left = lengthBytes
  if (left === 0) return
  for await (const chunk of source) {
    if (chunk.length >= left) {
      yield chunk.subarray(0, left)
      return
    }
    left -= chunk.length
    yield chunk
  }
  throw new UnavailableError('unexpected EOF')
}

async function* unchunk(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let buffer: Buffer = Buffer.alloc(0)
  let inChunk = 0
  let afterData = false
  for await (const piece of source) {
    buffer = buffer.length === 0 ? piece : Buffer.concat([buffer, piece])
    for (;;) {
      if (inChunk > 0) {
        if (buffer.length === 0) break
        const part = buffer.subarray(0, inChunk)
        buffer = buffer.subarray(part.length)
        inChunk -= part.length
        afterData = inChunk === 0
        yield part
        continue
      }
      if (afterData) {
        if (buffer.length < 2) break
        buffer = buffer.subarray(2)
        afterData = false
      }
      const end = buffer.indexOf('\r\n')
      if (end < 0) break
      const size = Number.parseInt(buffer.toString('latin1', 0, end), 16)
      if (!Number.isSafeInteger(size) || size < 0) throw new UnavailableError('malformed chunked encoding')
      buffer = buffer.subarray(end + 2)
      if (size === 0) return
      inChunk = size
    }
  }
  throw new UnavailableError('unexpected EOF')
}
