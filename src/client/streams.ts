import type { Socket } from 'node:net'
import { UnavailableError } from '#errors/errors.ts'
import { bodyChunks } from './http1.ts'
import type { RawResponse } from './http1.ts'

/** One piece of a container's output. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

const HEADER_BYTES = 8
const MAX_FRAME_BYTES = 64 * 1024 * 1024

/**
 * Takes apart Docker's multiplexed stream: frames of an 8-byte header (stream, three zeros, big-endian length) and
 * a payload. Stream 3 carries an error of the daemon, which is thrown.
 */
export async function* demultiplex(source: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk> {
  let buffer: Buffer = Buffer.alloc(0)
  for await (const piece of source) {
    buffer = buffer.length === 0 ? piece : Buffer.concat([buffer, piece])
    while (buffer.length >= HEADER_BYTES) {
      const length = buffer.readUInt32BE(4)
      const kind = buffer[0] ?? 0
      if (kind > 3 || length > MAX_FRAME_BYTES)
        throw new UnavailableError(`Unrecognized input header: ${kind}`)
      if (buffer.length < HEADER_BYTES + length) break
      const bytes = buffer.subarray(HEADER_BYTES, HEADER_BYTES + length)
      buffer = buffer.subarray(HEADER_BYTES + length)
      if (kind === 3) throw new UnavailableError(`error from daemon in stream: ${bytes.toString()}`)
      yield { stream: kind === 2 ? 'stderr' : 'stdout', bytes }
    }
  }
}

/** Bytes of a terminal's stream, which has no frames: all of it is stdout. */
export async function* undivided(source: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk> {
  for await (const bytes of source) yield { stream: 'stdout', bytes }
}

/** A container's or exec's stdio over a connection that was taken over. */
export interface Hijacked {
  readonly output: AsyncIterable<OutputChunk>
  /** Sends to stdin; resolves when more may be sent. */
  write(bytes: Uint8Array): Promise<void>
  /** Closes stdin; the output goes on. */
  endInput(): void
  close(): void
}

/** Wraps a taken-over connection. `isTty` says whether the stream is undivided. */
export function hijacked(response: RawResponse, { isTty }: { isTty: boolean }): Hijacked {
  const { socket, rest } = response
  const source = response.status === 101 ? raw(socket, rest) : bodyChunks(response)
  return {
    output: isTty ? undivided(source) : demultiplex(source),
    write: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) return resolve()
        socket.write(bytes, () => resolve())
      }),
    endInput: () => void socket.end(),
    close: () => void socket.destroy(),
  }
}

async function* raw(socket: Socket, rest: Buffer): AsyncGenerator<Buffer> {
  if (rest.length > 0) yield rest
  try {
    for await (const chunk of socket) yield chunk as Buffer
  } catch (error) {
    // The daemon may reset the connection when the process ends while input is still on its way.
    if (!(
      error instanceof Error &&
      'code' in error &&
      (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    ))
      throw error
  }
}

/** The values of a stream of JSON texts, one after the other (progress, events, stats). */
export async function* jsonValues<T>(
  source: AsyncIterable<Buffer>,
  parse: (text: string) => T = JSON.parse,
): AsyncGenerator<T> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of source) {
    text += decoder.decode(chunk, { stream: true })
    let end = text.indexOf('\n')
    while (end >= 0) {
      const line = text.slice(0, end).trim()
      text = text.slice(end + 1)
      if (line !== '') yield parse(line)
      end = text.indexOf('\n')
    }
  }
  if (text.trim() !== '') yield parse(text)
}
