import { randomBytes } from 'node:crypto'
import { decode, encode, ExtData } from '@msgpack/msgpack'
import { DataLossError } from '#errors/errors.ts'
import { parseNs } from '../../timestamp.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { parseSinkAddress, type SinkAddress } from './sink-address.ts'
import { StreamConnection } from './stream-connection.ts'

const DEFAULT_ADDRESS = 'tcp://localhost:24224'
const ACK_TIMEOUT_MS = 10_000
/** The extension type of times with nanoseconds (Fluentd Forward Protocol v1, EventTime). */
const EVENT_TIME = 0

/** Fluentd, by its forward protocol v1, one message for each batch. */
export const fluentdDriver: LogDriver = {
  name: 'fluentd',
  options: [
    'fluentd-address',
    'fluentd-async',
    'fluentd-async-reconnect-interval',
    'fluentd-buffer-limit',
    'fluentd-max-retries',
    'fluentd-read-timeout',
    'fluentd-request-ack',
    'fluentd-retry-wait',
    'fluentd-sub-second-precision',
    'fluentd-write-timeout',
  ],
  check(options) {
    addressOf(options)
  },
  open(options, source) {
    return new FluentdSink(options, source)
  },
}

function addressOf(options: LogOptions): SinkAddress {
  const given = options['fluentd-address'] || DEFAULT_ADDRESS
  const text = /^[a-z]+:\/\//.test(given) ? given : `tcp://${given}`
  return parseSinkAddress(text, {
    schemes: ['tcp', 'tls', 'unix'],
    defaultPort: 24224,
    what: 'fluentd-address',
  })
}

class FluentdSink implements LogSink {
  readonly #source: LogSource
  readonly #connection: StreamConnection
  readonly #isPrecise: boolean
  readonly #wantsAck: boolean

  constructor(options: LogOptions, source: LogSource) {
    this.#source = source
    this.#isPrecise = options['fluentd-sub-second-precision'] === 'true'
    this.#wantsAck = options['fluentd-request-ack'] === 'true'
    const { scheme, host, port, path } = addressOf(options)
    this.#connection = new StreamConnection(
      scheme === 'unix'
        ? { kind: 'unix', path }
        : scheme === 'tls'
          ? { kind: 'tls', host, port, tls: {} }
          : { kind: 'tcp', host, port },
    )
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    const entries = messages.map((message) => [this.#time(message.time), this.#record(message)])
    const chunk = randomBytes(16).toString('base64')
    const option = this.#wantsAck ? [{ chunk }] : []
    await this.#connection.write(encode([this.#source.tag, entries, ...option]))
    if (!this.#wantsAck) return
    const answer = decode(await this.#connection.read(ACK_TIMEOUT_MS)) as { ack?: string }
    if (answer.ack !== chunk) throw new DataLossError('fluentd acknowledged another chunk')
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  #time(text: string): number | ExtData {
    const ns = parseNs(text) ?? 0n
    const seconds = Number(ns / 1_000_000_000n)
    if (!this.#isPrecise) return seconds
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32BE(seconds, 0)
    bytes.writeUInt32BE(Number(ns % 1_000_000_000n), 4)
    return new ExtData(EVENT_TIME, bytes)
  }

  #record(message: LogMessage): Readonly<Record<string, string>> {
    return {
      ...this.#source.attributes,
      container_id: this.#source.containerId,
      container_name: `/${this.#source.containerName}`,
      source: message.stream,
      log: message.content.toString('utf8'),
      ...(message.partial ? { partial_message: 'true' } : {}),
    }
  }
}
