import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { gunzipSync, inflateSync } from 'node:zlib'
import { decode, decodeMulti, encode, ExtData } from '@msgpack/msgpack'
import { run as command } from '../../support/engine.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

interface Collector {
  readonly port: number
  bytes(): Buffer
  close(): void
}

function collect(server: Server, onData?: (socket: Socket, bytes: Buffer) => void): Promise<Collector> {
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const take = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      onData?.(socket, chunk)
    })
    socket.on('error', () => {})
  }
  server.on('connection', take).on('secureConnection', take)
  server.on('tlsClientError', () => {})
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        bytes: () => Buffer.concat(chunks),
        close: () => {
          for (const socket of sockets) socket.destroy()
          server.close()
        },
      }),
    ),
  )
}

/** A TLS server hears what is inside: its plain sockets are not listened to. */
function collectTls(
  files: { cert: Buffer; key: Buffer; ca?: Buffer; requestCert?: boolean },
  onSocket?: (socket: TLSSocket) => void,
): Promise<Collector> {
  const chunks: Buffer[] = []
  const sockets = new Set<TLSSocket>()
  const server = createTlsServer({ ...files, rejectUnauthorized: files.requestCert === true }, (socket) => {
    sockets.add(socket)
    onSocket?.(socket)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        bytes: () => Buffer.concat(chunks),
        close: () => {
          for (const socket of sockets) socket.destroy()
          server.close()
        },
      }),
    ),
  )
}

describe('how log drivers reach their sinks', () => {
  let wharfd: Wharfd | null = null
  const daemon = (): Wharfd => wharfd!
  const keys = scratchDirectory('t')

  before(async () => {
    mkdirSync(keys, { recursive: true })
    const made = await command([
      'openssl',
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...['-keyout', `${keys}/key.pem`, '-out', `${keys}/cert.pem`],
    ])
    assert.equal(made.exitCode, 0, made.stderr)
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd?.stop()
  })

  const tell = async (driver: string, options: readonly string[], text = 'echo told'): Promise<void> => {
    const flags = options.flatMap((option) => ['--log-opt', option])
    await daemon().docker('rm', '-f', 'teller')
    await daemon().ok(
      ...['run', '-d', '--name', 'teller', '-e', 'WHO=me', '-l', 'kind=test', '--log-driver', driver],
      ...[...flags, 'busybox', 'sh', '-c', text],
    )
  }
  const pem = (): { cert: Buffer; key: Buffer; ca: Buffer } => ({
    cert: readFileSync(`${keys}/cert.pem`),
    key: readFileSync(`${keys}/key.pem`),
    ca: readFileSync(`${keys}/cert.pem`),
  })

  test('syslog by UDP in RFC 3164, the facility and severity in front', async () => {
    const socket = createSocket('udp4')
    const seen: string[] = []
    socket.on('message', (bytes) => seen.push(bytes.toString()))
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    await tell(
      'syslog',
      [
        `syslog-address=udp://127.0.0.1:${socket.address().port}`,
        'syslog-format=rfc3164',
        'syslog-facility=local7',
        'tag={{.ImageName}}/{{upper .Name}}',
      ],
      'echo out; sleep 0.2; echo err >&2',
    )
    await until('both came', () => seen.length === 2)
    assert.match(seen[0] ?? '', /^<190>\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ busybox\/TELLER\[\d+\]: out$/)
    assert.match(seen[1] ?? '', /^<187>.*: err$/)
    socket.close()
  })

  test('syslog by TLS with a certificate of its own, microseconds in RFC 5424', async () => {
    const sink = await collectTls({ ...pem(), requestCert: true })
    const address = `syslog-address=tcp+tls://127.0.0.1:${sink.port}`
    const tls = ['ca-cert=cert', 'cert=cert', 'key=key'].map((pair) => {
      const [option = '', file = ''] = pair.split('=')
      return `syslog-tls-${option}=${keys}/${file}.pem`
    })
    await tell('syslog', [address, ...tls, 'syslog-format=rfc5424micro', 'tag=t'])
    await until('it came', () => sink.bytes().includes('told'))
    assert.match(
      sink.bytes().toString(),
      /^\d+ <30>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ t \d+ t - told$/,
    )
    sink.close()
  })

  test('syslog refuses a server that nobody vouches for, unless told not to look', async () => {
    const sink = await collectTls(pem())
    const address = `syslog-address=tcp+tls://127.0.0.1:${sink.port}`
    await tell('syslog', [address])
    await until('it is logged', () => daemon().log().includes('self-signed certificate'))
    assert.equal(sink.bytes().length, 0)
    await tell('syslog', [address, 'syslog-tls-skip-verify=true'])
    await until('it came', () => sink.bytes().includes('told'))
    sink.close()
  })

  test('gelf by TCP, a NUL behind each message', async () => {
    const sink = await collect(createServer())
    await tell(
      'gelf',
      [`gelf-address=tcp://127.0.0.1:${sink.port}`, 'labels=kind', 'env-regex=^WH'],
      'echo one; echo; echo two',
    )
    await until('both came', () => sink.bytes().includes('two'))
    const messages = sink.bytes().toString().split('\0')
    assert.equal(messages.pop(), '')
    const parsed = messages.map((text) => JSON.parse(text))
    assert.deepEqual(
      parsed.map(({ short_message }) => short_message),
      ['one', 'two'],
    )
    assert.deepEqual(
      [parsed[0]._kind, parsed[0]._WHO, parsed[0]._command],
      ['test', 'me', 'sh -c echo one; echo; echo two'],
    )
    assert.ok(Math.abs(parsed[0].timestamp - Date.now() / 1000) < 60)
    sink.close()
  })

  for (const [type, unpack] of [
    ['none', (bytes: Buffer) => bytes],
    ['zlib', (bytes: Buffer) => inflateSync(bytes)],
  ] as const) {
    test(`gelf by UDP in chunks, compression ${type}`, async () => {
      const socket = createSocket('udp4')
      const chunks = new Map<number, Buffer>()
      let count = 0
      socket.on('message', (bytes) => {
        assert.deepEqual([bytes[0], bytes[1]], [0x1e, 0x0f])
        chunks.set(bytes[10] ?? 0, bytes.subarray(12))
        count = bytes[11] ?? 0
      })
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
      const script = 'head -c 4000 /dev/urandom | od -An -tx1 | tr -d " \\n"; echo'
      await tell(
        'gelf',
        [`gelf-address=udp://127.0.0.1:${socket.address().port}`, `gelf-compression-type=${type}`],
        script,
      )
      await until('all chunks came', () => count > 1 && chunks.size === count)
      const whole = Buffer.concat(Array.from({ length: count }, (_, n) => chunks.get(n)!))
      assert.match(JSON.parse(unpack(whole).toString()).short_message, /^[0-9a-f]{4000,}$/)
      socket.close()
    })
  }

  test('fluentd acknowledges, with nanoseconds', async () => {
    const sink = await collect(createServer(), (socket, bytes) => {
      const [, , option] = decode(bytes) as [string, unknown, { chunk: string }]
      socket.write(encode({ ack: option.chunk }))
    })
    await tell('fluentd', [
      `fluentd-address=127.0.0.1:${sink.port}`,
      'fluentd-request-ack=true',
      'fluentd-sub-second-precision=true',
      'fluentd-async=true',
    ])
    await until('it came', () => sink.bytes().includes('told'))
    const [[, entries]] = [...decodeMulti(sink.bytes())] as [[string, [ExtData, { log: string }][]]]
    const [time, record] = entries[0]!
    assert.ok(time instanceof ExtData && time.type === 0 && time.data.length === 8)
    assert.equal(record.log, 'told')
    sink.close()
  })

  test('fluentd that does not acknowledge gets it again', async () => {
    let answers = 0
    const sink = await collect(createServer(), (socket, bytes) => {
      const [, , option] = decode(bytes) as [string, unknown, { chunk: string }]
      answers += 1
      if (answers === 1) socket.destroy()
      else socket.write(encode({ ack: option.chunk }))
    })
    await tell('fluentd', [`fluentd-address=127.0.0.1:${sink.port}`, 'fluentd-request-ack=true'])
    await until('it came twice', () => answers === 2)
    sink.close()
  })

  test('fluentd by TLS', async () => {
    // There is no option for another authority in Docker either: what the machine does not trust is not talked to.
    const sink = await collectTls(pem())
    await tell('fluentd', [`fluentd-address=tls://127.0.0.1:${sink.port}`])
    await until('it is logged', () => /driver=fluentd.*self-signed certificate/.test(daemon().log()))
    assert.equal(sink.bytes().length, 0)
    sink.close()
  })

  test('splunk in gzip, with a channel for acknowledgment, in all formats', async () => {
    const requests: { method: string; headers: IncomingHttpHeaders; body: Buffer }[] = []
    const server = createHttpServer((incoming, answer) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        requests.push({
          method: incoming.method ?? '',
          headers: incoming.headers,
          body: Buffer.concat(chunks),
        })
        answer.end('{}')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const base = [`splunk-url=http://127.0.0.1:${port}`, 'splunk-token=secret', 'labels=kind', 'tag=t']
    await tell(
      'splunk',
      [
        ...base,
        'splunk-gzip=1',
        'splunk-gzip-level=9',
        'splunk-index-acknowledgment=true',
        'splunk-format=json',
        'splunk-verify-connection=true',
      ],
      `echo '{"a":1}'`,
    )
    await until('it came', () => requests.length === 2)
    assert.equal(requests[0]?.method, 'OPTIONS')
    const { headers, body } = requests[1]!
    assert.match(String(headers['x-splunk-request-channel']), /^[0-9a-f-]{36}$/)
    assert.deepEqual(JSON.parse(gunzipSync(body).toString()).event, {
      line: { a: 1 },
      source: 'stdout',
      tag: 't',
      attrs: { kind: 'test' },
    })
    await tell('splunk', [...base, 'splunk-format=raw'], 'echo "  "; echo plain')
    await until('it came', () => requests.length === 3)
    assert.equal(JSON.parse(requests[2]!.body.toString()).event, 't kind=test plain')
    server.close()
    server.closeAllConnections()
  })

  test('splunk that must be there but is not keeps a container from starting', async () => {
    const { exitCode, stderr } = await daemon().docker(
      ...['run', '--rm', '--log-driver', 'splunk', '--log-opt', 'splunk-url=http://127.0.0.1:1'],
      ...['--log-opt', 'splunk-token=t', '--log-opt', 'splunk-verify-connection=true', 'busybox', 'true'],
    )
    assert.equal(exitCode, 125)
    assert.match(stderr, /failed to initialize logging driver: connect ECONNREFUSED/)
  })

  test('a bound on what waits gives up the oldest, and says so', async () => {
    await tell(
      'fluentd',
      ['fluentd-address=127.0.0.1:1', 'mode=non-blocking', 'max-buffer-size=100k'],
      'seq 100000; sleep 1000',
    )
    await until('it is logged', () => daemon().log().includes('lines were given up'))
    assert.equal(await daemon().ok('logs', '--tail', '1', 'teller'), '100000')
    await daemon().ok('rm', '-f', 'teller')
  })

  test('a disabled cache keeps nothing to read', async () => {
    await tell('fluentd', ['fluentd-address=127.0.0.1:1', 'cache-disabled=true'])
    const { stderr } = await daemon().docker('logs', 'teller')
    assert.match(stderr, /configured logging driver does not support reading/)
    await daemon().ok('rm', '-f', 'teller')
  })
})
