import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'

const ANSWER_LIMIT_MS = 20_000
/** A message of gRPC is preceded by a byte that says whether it is compressed, and four of length. */
const HEAD_BYTES = 5
const MAX_ANSWER_BYTES = 64 * 1024

/** What a client of BuildKit knows about a registry. */
export interface SessionCredentials {
  readonly username: string
  readonly secret: string
}

/**
 * The sessions of BuildKit's clients (`POST /session`): connections on which the client serves gRPC and we ask. Of the
 * services that BuildKit defines, credentials are used (moby.filesync.v1.Auth); contexts come as the request's body.
 */
export class BuildkitSessions {
  readonly #sessions = new Map<string, ClientHttp2Session>()

  /** Owns the connection until either side ends it. */
  async session(
    connection: Duplex,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): Promise<void> {
    const id = headers['x-docker-expose-session-uuid']
    if (typeof id !== 'string' || id === '') {
      connection.destroy()
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const client = connect('http://session', { createConnection: () => connection })
    client.on('error', () => client.destroy())
    client.on('close', resolve)
    connection.on('error', () => connection.destroy())
    // The connections of an HTTP server stay half open: a client that ends its side has left.
    connection.on('end', () => connection.destroy())
    connection.on('close', () => client.destroy())
    this.#sessions.set(id, client)
    await promise
    if (this.#sessions.get(id) === client) this.#sessions.delete(id)
  }

  /** Asks the client for its credentials; null where it has none, or is gone. @throws UnavailableError when it does not answer */
  async credentials(id: string, host: string): Promise<SessionCredentials | null> {
    const client = this.#sessions.get(id)
    if (client === undefined || client.closed || client.destroyed) return null
    const answer = await call(client, '/moby.filesync.v1.Auth/Credentials', stringField(1, host))
    return answer === null ? null : readCredentials(answer)
  }
}

/** One unary call; null when the service says no. */
function call(client: ClientHttp2Session, path: string, message: Uint8Array): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>()
  const stream = client.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const chunks: Buffer[] = []
  let size = 0
  stream.setTimeout(ANSWER_LIMIT_MS, () => {
    reject(new UnavailableError(`the client of the build did not answer ${path} within 20 seconds`))
    stream.close()
  })
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) stream.close()
    else chunks.push(chunk)
  })
  stream.on('error', () => resolve(null))
  stream.on('close', () => resolve(messageOf(Buffer.concat(chunks))))
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(message.byteLength, 1)
  stream.end(Buffer.concat([head, message]))
  return promise
}

function messageOf(answer: Buffer): Buffer | null {
  if (answer.length < HEAD_BYTES) return null
  const end = HEAD_BYTES + answer.readUInt32BE(1)
  return answer[0] !== 0 || answer.length < end ? null : answer.subarray(HEAD_BYTES, end)
}

function stringField(number: number, text: string): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).string(text).finish()
}

/** @throws InvalidArgumentError for bytes that are no CredentialsResponse */
function readCredentials(bytes: Uint8Array): SessionCredentials | null {
  let username = ''
  let secret = ''
  try {
    const reader = new BinaryReader(bytes)
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag()
      if (number === 1) username = reader.string()
      else if (number === 2) secret = reader.string()
      else reader.skip(wireType, number)
    }
  } catch (cause) {
    throw new InvalidArgumentError(
      'the client of the build answered for its credentials with something else',
      {
        cause,
      },
    )
  }
  return secret === '' ? null : { username, secret }
}
