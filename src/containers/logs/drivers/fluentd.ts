import { randomBytes } from 'node:crypto'
import { decode, encode, ExtData } from '@msgpack/msgpack'
import { DataLossError, InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { parseNs } from '../../timestamp.ts'
import { parseBool, parseDurationMs, parseInteger } from '../go-values.ts'
import { checkNames } from '../log-config.ts'
import { ATTRIBUTE_OPTIONS } from '../log-driver.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { parseSize } from '../rotation-options.ts'
import { parseSinkAddress, type AddressFault, type SinkAddress } from './sink-address.ts'
import { StreamConnection } from './stream-connection.ts'

const DEFAULT_ADDRESS = 'tcp://localhost:24224'
const ACK_TIMEOUT_MS = 10_000
/** The extension type of times with nanoseconds (Fluentd Forward Protocol v1, EventTime). */
const EVENT_TIME = 0

const OPTIONS = [
  ...ATTRIBUTE_OPTIONS,
  'fluentd-address',
  'fluentd-async',
  'fluentd-async-reconnect-interval',
  'fluentd-buffer-limit',
  'fluentd-max-retries',
  'fluentd-request-ack',
  'fluentd-retry-wait',
  'fluentd-sub-second-precision',
  'fluentd-write-timeout',
]

/** Fluentd, by its forward protocol v1, one message for each batch. */
export const fluentdDriver: LogDriver = {
  name: 'fluentd',
  check(options) {
    checkNames('fluentd', options, OPTIONS)
    addressOf(options)
    checkIf(options['fluentd-buffer-limit'], parseSize)
    checkIf(options['fluentd-retry-wait'], parseDurationMs)
    checkIf(options['fluentd-max-retries'], (text) => parseInteger(text, { as: 'ParseUint' }))
    checkIf(options['fluentd-async'], parseBool)
    checkIf(options['fluentd-async-reconnect-interval'], checkInterval)
    checkIf(options['fluentd-sub-second-precision'], parseBool)
    checkIf(options['fluentd-request-ack'], parseBool)
    checkIf(options['fluentd-write-timeout'], writeTimeoutMs)
  },
  open(options, source) {
    return new FluentdSink(options, source)
  },
}

function addressOf(options: LogOptions): SinkAddress {
  const given = options['fluentd-address'] || DEFAULT_ADDRESS
  const text = given.includes('://') ? given : `tcp://${given}`
  const address = parseSinkAddress(text, {
    schemes: ['tcp', 'tls', 'unix'],
    defaultPort: 24224,
    words: (fault) => `invalid fluentd-address (${given}): ${whyNot(text, fault)}`,
  })
  return { ...address, host: address.host || 'localhost' }
}

function whyNot(text: string, fault: AddressFault): string {
  switch (fault.kind) {
    case 'scheme':
      return `unsupported scheme: '${fault.scheme}'`
    case 'bad-port':
      return `parse "${text}": invalid port ":${fault.port}" after host`
    case 'port-range':
      return `invalid port: strconv.ParseUint: parsing "${fault.port}": value out of range`
    case 'path':
      return 'should not contain a path element'
    case 'no-path':
      return 'path is empty'
    case 'no-port':
      return 'port is empty'
  }
}

function checkIf(text: string | undefined, parse: (text: string) => unknown): void {
  if (text !== undefined && text !== '') parse(text)
}

/** How often an asynchronous logger may look its server's name up anew; here each connection does. */
function checkInterval(text: string): void {
  const [shortest, longest] = [100, 10_000]
  const fail = (why: string): never => {
    throw new InvalidArgumentError(`invalid value for fluentd-async-reconnect-interval: ${why}`)
  }
  let ms: number
  try {
    ms = parseDurationMs(text)
  } catch (error) {
    return fail(messageOf(error))
  }
  if (ms < shortest || ms > longest) {
    fail(`value (${JSON.stringify(text)}) must be between 100ms and 10s`)
  }
}

function writeTimeoutMs(text: string): number {
  try {
    return parseDurationMs(text)
  } catch (error) {
    throw new InvalidArgumentError(
      `invalid value for fluentd-write-timeout: value must be a duration: ${messageOf(error)}`,
    )
  }
}

class FluentdSink implements LogSink {
  readonly #source: LogSource
  readonly #connection: StreamConnection
  readonly #isPrecise: boolean
  readonly #wantsAck: boolean

  constructor(options: LogOptions, source: LogSource) {
    this.#source = source
    this.#isPrecise = parseBool(options['fluentd-sub-second-precision'] || 'false')
    this.#wantsAck = parseBool(options['fluentd-request-ack'] || 'false')
    const { scheme, host, port, path } = addressOf(options)
    this.#connection = new StreamConnection(
      scheme === 'unix'
        ? { kind: 'unix', path }
        : scheme === 'tls'
          ? { kind: 'tls', host, port, tls: {} }
          : { kind: 'tcp', host, port },
      writeTimeoutMs(options['fluentd-write-timeout'] || '0') || undefined,
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
