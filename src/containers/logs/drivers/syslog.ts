import { createSocket, type Socket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { InvalidArgumentError, errnoOf, messageOf } from '#errors/errors.ts'
import { checkNames } from '../log-config.ts'
import { ATTRIBUTE_OPTIONS } from '../log-driver.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { LocalDatagram } from './local-datagram.ts'
import { sendEach } from './send-each.ts'
import { parseSinkAddress, type SinkAddress } from './sink-address.ts'
import { StreamConnection } from './stream-connection.ts'

const FACILITIES = (
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp . . . . local0 local1 local2 local3 local4 ' +
  'local5 local6 local7'
).split(' ')
const DAEMON_FACILITY = 3
const SEVERITY = { stdout: 6, stderr: 3 } as const
const LOCAL_SOCKETS: readonly string[] = ['/dev/log', '/var/run/syslog', '/var/run/log']
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

const OPTIONS = [
  ...ATTRIBUTE_OPTIONS,
  'syslog-address',
  'syslog-facility',
  'syslog-format',
  'syslog-tls-ca-cert',
  'syslog-tls-cert',
  'syslog-tls-key',
  'syslog-tls-skip-verify',
]

/** Syslog: the machine's own by default, else by UDP, TCP, TLS or a unix socket; RFC 3164, RFC 5424. */
export const syslogDriver: LogDriver = {
  name: 'syslog',
  check(options) {
    checkNames('syslog', options, OPTIONS)
    addressOf(options)
    facilityOf(options['syslog-facility'] ?? '')
    formatOf(options['syslog-format'] ?? '')
  },
  checkStart(options) {
    if (addressOf(options)?.scheme === 'tcp+tls') tlsOptions(options)
  },
  open(options, source) {
    return new SyslogSink(options, source)
  },
}

class SyslogSink implements LogSink {
  readonly #source: LogSource
  readonly #facility: number
  readonly #format: Format
  readonly #transport: Transport

  constructor(options: LogOptions, source: LogSource) {
    this.#source = source
    this.#facility = facilityOf(options['syslog-facility'] ?? '')
    this.#format = formatOf(options['syslog-format'] ?? '')
    this.#transport = transportOf(addressOf(options), options, this.#format)
  }

  send(messages: readonly LogMessage[]): Promise<number> {
    return sendEach(messages, async (message) => {
      const priority = this.#facility * 8 + SEVERITY[message.stream]
      const head = headOf(this.#format, { priority, time: message.time, source: this.#source })
      await this.#transport.send(Buffer.concat([Buffer.from(head), message.content]))
    })
  }

  async close(): Promise<void> {
    this.#transport.close()
  }
}

type Format = 'local' | 'rfc3164' | 'rfc5424' | 'rfc5424micro'

function formatOf(text: string): Format {
  if (text === '') return 'local'
  if (text === 'rfc3164' || text === 'rfc5424' || text === 'rfc5424micro') return text
  throw new InvalidArgumentError('Invalid syslog format')
}

function facilityOf(text: string): number {
  if (text === '') return DAEMON_FACILITY
  const number = /^\d+$/.test(text) ? Number(text) : FACILITIES.indexOf(text)
  if (number < 0 || number > 23 || text === '.') throw new InvalidArgumentError('invalid syslog facility')
  return number
}

/** Null: the machine's own syslog. */
function addressOf(options: LogOptions): SinkAddress | null {
  const text = options['syslog-address'] ?? ''
  if (text === '') return null
  const address = parseSinkAddress(text, {
    schemes: ['udp', 'tcp', 'tcp+tls', 'unix', 'unixgram'],
    defaultPort: 514,
    allowsPath: true,
    words: (fault) => {
      if (fault.kind === 'scheme') return `unsupported scheme: '${fault.scheme}'`
      if (fault.kind === 'bad-port') return `parse "${text}": invalid port ":${fault.port}" after host`
      if (fault.kind === 'port-range') return `dial tcp: address ${fault.port}: invalid port`
      return `stat : no such file or directory`
    },
  })
  if (address.path !== '' && !existsSync(address.path)) {
    throw new InvalidArgumentError(`stat ${address.path}: no such file or directory`)
  }
  return address
}

/** The text before the message: RFC 3164 §4.1, RFC 5424 §6; without a host for the machine's own. */
function headOf(format: Format, of: { priority: number; time: string; source: LogSource }): string {
  const { priority, time, source } = of
  const { hostname, tag } = source
  const date = new Date(time)
  switch (format) {
    case 'local':
    case 'rfc3164': {
      const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) =>
        String(n).padStart(2, '0'),
      )
      const stamp = `${MONTHS[date.getMonth()] ?? ''} ${String(date.getDate()).padStart(2)} ${clock.join(':')}`
      const host = format === 'local' ? '' : ` ${hostname}`
      return `<${priority}>${stamp}${host} ${tag}[${process.pid}]: `
    }
    case 'rfc5424':
      return `<${priority}>1 ${date.toISOString().slice(0, 19)}Z ${hostname} ${tag} ${process.pid} ${tag} - `
    case 'rfc5424micro': {
      const fraction = (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(6, '0').slice(0, 6)
      return `<${priority}>1 ${date.toISOString().slice(0, 19)}.${fraction}Z ${hostname} ${tag} ${process.pid} ${tag} - `
    }
  }
}

interface Transport {
  send(bytes: Buffer): Promise<void>
  close(): void
}

function transportOf(address: SinkAddress | null, options: LogOptions, format: Format): Transport {
  if (address === null) {
    return new LocalDatagram(() => LOCAL_SOCKETS.find((path) => existsSync(path)) ?? LOCAL_SOCKETS[0]!)
  }
  const { scheme, host, port, path } = address
  if (scheme === 'unixgram' || scheme === 'unix') return new LocalDatagram(() => path)
  if (scheme === 'udp') return new UdpTransport(host, port)
  const connection = new StreamConnection(
    scheme === 'tcp' ? { kind: 'tcp', host, port } : { kind: 'tls', host, port, tls: tlsOptions(options) },
  )
  // RFC 6587: RFC 5424 messages are counted on streams, older ones end with a newline.
  const framed = (bytes: Buffer): Buffer =>
    format.startsWith('rfc5424')
      ? Buffer.concat([Buffer.from(`${bytes.length} `), bytes])
      : Buffer.concat([bytes, Buffer.from('\n')])
  return { send: (bytes) => connection.write(framed(bytes)), close: () => connection.close() }
}

function tlsOptions(options: LogOptions): {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  rejectUnauthorized: boolean
} {
  const file = (name: string, what: string): Buffer | undefined => {
    const path = options[name]
    if (!path) return undefined
    try {
      return readFileSync(path)
    } catch (error) {
      const reason = errnoOf(error) === 'ENOENT' ? 'no such file or directory' : messageOf(error)
      throw new InvalidArgumentError(
        `could not read ${what} ${JSON.stringify(path)}: open ${path}: ${reason}`,
        { cause: error },
      )
    }
  }
  const ca = file('syslog-tls-ca-cert', 'CA certificate')
  const cert = file('syslog-tls-cert', 'certificate')
  const key = file('syslog-tls-key', 'key')
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // Docker looks whether the option is there, not what it says.
    rejectUnauthorized: options['syslog-tls-skip-verify'] === undefined,
  }
}

class UdpTransport implements Transport {
  readonly #socket: Socket
  readonly #to: { readonly host: string; readonly port: number }

  constructor(host: string, port: number) {
    this.#to = { host, port }
    this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    this.#socket.on('error', () => {})
    this.#socket.unref()
  }

  async send(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#socket.send(bytes, this.#to.port, this.#to.host, (error) =>
        error === null ? resolve() : reject(error),
      ),
    )
  }

  close(): void {
    this.#socket.close()
  }
}
