import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'
import { InvalidArgumentError } from '#errors/errors.ts'
import { checkNames } from '../log-config.ts'
import { ATTRIBUTE_OPTIONS } from '../log-driver.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { sendEach } from './send-each.ts'
import { parseSinkAddress, type SinkAddress } from './sink-address.ts'
import { StreamConnection } from './stream-connection.ts'

const LEVEL = { stdout: 6, stderr: 3 } as const
/** A datagram that is not fragmented on the usual path (GELF 1.1, "GELF via UDP"). */
const CHUNK_BYTES = 1420
const CHUNK_HEAD = Buffer.from([0x1e, 0x0f])
const MAX_CHUNKS = 128

const OPTIONS = [
  ...ATTRIBUTE_OPTIONS,
  'gelf-address',
  'gelf-compression-type',
  'gelf-compression-level',
  'gelf-tcp-max-reconnect',
  'gelf-tcp-reconnect-delay',
]

/** Graylog's format, GELF 1.1: by UDP in compressed chunks, or by TCP with a NUL behind each message. */
export const gelfDriver: LogDriver = {
  name: 'gelf',
  check(options) {
    const { scheme } = addressOf(options)
    checkNames('gelf', options, OPTIONS)
    for (const [name, value] of Object.entries(options)) checkOption(name, { value, scheme })
  },
  open(options, source) {
    return new GelfSink(options, source)
  },
}

function checkOption(name: string, of: { readonly value: string; readonly scheme: string }): void {
  const { value, scheme } = of
  const refuse = (message: string): never => {
    throw new InvalidArgumentError(message)
  }
  if (name.startsWith('gelf-compression') && scheme !== 'udp') refuse('compression is only supported on UDP')
  if (name.startsWith('gelf-tcp') && scheme !== 'tcp') refuse(`${JSON.stringify(name)} is only valid for TCP`)
  const isValid =
    name === 'gelf-compression-type'
      ? ['gzip', 'zlib', 'none'].includes(value)
      : name !== 'gelf-compression-level' || /^(-1|[0-9])$/.test(value)
  if (!isValid) {
    refuse(`unknown value ${JSON.stringify(value)} for log opt ${JSON.stringify(name)} for gelf log driver`)
  }
  if (name.startsWith('gelf-tcp') && !/^\+?\d+$/.test(value)) {
    refuse(`${JSON.stringify(name)} must be a positive integer`)
  }
}

function addressOf(options: LogOptions): SinkAddress {
  const text = options['gelf-address'] ?? ''
  if (text === '') throw new InvalidArgumentError('gelf-address is a required parameter')
  return parseSinkAddress(text, {
    schemes: ['udp', 'tcp'],
    defaultPort: null,
    allowsPath: true,
    words: (fault) => {
      if (fault.kind === 'scheme') return 'gelf: endpoint needs to be TCP or UDP'
      if (fault.kind === 'bad-port') return `parse "${text}": invalid port ":${fault.port}" after host`
      return 'gelf: please provide gelf-address as proto://host:port'
    },
  })
}

class GelfSink implements LogSink {
  readonly #fields: Readonly<Record<string, string>>
  readonly #hostname: string
  readonly #deliver: (bytes: Buffer) => Promise<void>
  readonly #close: () => void

  constructor(options: LogOptions, source: LogSource) {
    this.#hostname = source.hostname
    this.#fields = {
      _container_id: source.containerId,
      _container_name: source.containerName,
      _image_id: source.imageId,
      _image_name: source.imageName,
      _command: source.command,
      _tag: source.tag,
      _created: source.createdAt,
      ...Object.fromEntries(Object.entries(source.attributes).map(([name, value]) => [`_${name}`, value])),
    }
    const { scheme, host, port } = addressOf(options)
    if (scheme === 'tcp') {
      const connection = new StreamConnection({ kind: 'tcp', host, port })
      this.#deliver = (bytes) => connection.write(Buffer.concat([bytes, Buffer.of(0)]))
      this.#close = () => connection.close()
    } else {
      const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
      socket.on('error', () => {})
      socket.unref()
      const send = async (bytes: Buffer): Promise<void> =>
        await new Promise((resolve, reject) =>
          socket.send(bytes, port, host, (error) => (error === null ? resolve() : reject(error))),
        )
      this.#deliver = async (bytes) => {
        for (const datagram of chunks(await compress(bytes, options))) await send(datagram)
      }
      this.#close = () => socket.close()
    }
  }

  send(messages: readonly LogMessage[]): Promise<number> {
    return sendEach(messages, async (message) => {
      // GELF wants a text: an empty line is none.
      if (message.content.length === 0) return
      const text = {
        version: '1.1',
        host: this.#hostname,
        short_message: message.content.toString('utf8'),
        timestamp: secondsOf(message.time),
        level: LEVEL[message.stream],
        ...this.#fields,
      }
      await this.#deliver(Buffer.from(JSON.stringify(text)))
    })
  }

  async close(): Promise<void> {
    this.#close()
  }
}

/** With all digits that a number has: Date knows milliseconds only. */
function secondsOf(time: string): number {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '0'
  return Math.floor(Date.parse(time) / 1000) + Number(`0.${fraction}`)
}

async function compress(bytes: Buffer, options: LogOptions): Promise<Buffer> {
  const level = Number(options['gelf-compression-level'] ?? 1)
  switch (options['gelf-compression-type'] ?? 'gzip') {
    case 'none':
      return bytes
    case 'zlib':
      return await promisify<Buffer, { level: number }, Buffer>(deflate)(bytes, { level })
    default:
      return await promisify<Buffer, { level: number }, Buffer>(gzip)(bytes, { level })
  }
}

/** A message too long for one datagram is cut: magic, id, number, count, piece. More than 128 pieces are not allowed: the rest is cut off. */
function chunks(bytes: Buffer): readonly Buffer[] {
  if (bytes.length <= CHUNK_BYTES) return [bytes]
  const size = CHUNK_BYTES - 12
  const count = Math.min(MAX_CHUNKS, Math.ceil(bytes.length / size))
  const id = randomBytes(8)
  return Array.from({ length: count }, (_, n) =>
    Buffer.concat([CHUNK_HEAD, id, Buffer.of(n, count), bytes.subarray(n * size, (n + 1) * size)]),
  )
}
