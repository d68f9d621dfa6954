import { existsSync } from 'node:fs'
import { InvalidArgumentError } from '#errors/errors.ts'
import { checkNames } from '../log-config.ts'
import { ATTRIBUTE_OPTIONS } from '../log-driver.ts'
import type { LogDriver, LogMessage, LogSink, LogSource } from '../log-driver.ts'
import { LocalDatagram } from './local-datagram.ts'
import { sendEach } from './send-each.ts'

const SOCKET = '/run/systemd/journal/socket'
const PRIORITY = { stdout: '6', stderr: '3' } as const

/** The journal of systemd, by its native protocol (systemd.io, "Journal Native Protocol"). */
export const journaldDriver: LogDriver = {
  name: 'journald',
  check(options) {
    checkNames('journald', options, ATTRIBUTE_OPTIONS)
  },
  checkStart() {
    if (!existsSync(SOCKET)) throw new InvalidArgumentError('journald is not enabled on this host')
  },
  open(_options, source) {
    return new JournalSink(source, SOCKET)
  },
}

/** Sends entries to a journal's socket. */
export class JournalSink implements LogSink {
  readonly #fields: readonly (readonly [string, string])[]
  readonly #socket: LocalDatagram

  constructor(source: LogSource, path: string) {
    this.#socket = new LocalDatagram(() => path)
    this.#fields = [
      ['CONTAINER_ID', source.containerId.slice(0, 12)],
      ['CONTAINER_ID_FULL', source.containerId],
      ['CONTAINER_NAME', source.containerName],
      ['CONTAINER_TAG', source.tag],
      ['IMAGE_NAME', source.imageName],
      ['SYSLOG_IDENTIFIER', source.tag],
      ...Object.entries(source.attributes).map(([name, value]) => [fieldName(name), value] as const),
    ]
  }

  send(messages: readonly LogMessage[]): Promise<number> {
    return sendEach(messages, (message) => this.#socket.send(this.#entry(message)))
  }

  async close(): Promise<void> {
    this.#socket.close()
  }

  #entry(message: LogMessage): Buffer {
    return Buffer.concat([
      field('MESSAGE', message.content),
      field('PRIORITY', Buffer.from(PRIORITY[message.stream])),
      field('SYSLOG_TIMESTAMP', Buffer.from(message.time)),
      ...(message.partial ? [field('CONTAINER_PARTIAL_MESSAGE', Buffer.from('true'))] : []),
      ...this.#fields.map(([name, value]) => field(name, Buffer.from(value))),
    ])
  }
}

/** `NAME=value`, or name, length and bytes when the value has a newline. */
function field(name: string, value: Buffer): Buffer {
  if (!value.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from('\n')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(value.length))
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from('\n')])
}

/** Field names are capitals, digits and underscores, no underscore first. */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9_]/g, '_')
    .replace(/^_+/, '')
}
