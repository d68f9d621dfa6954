import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { after, before, describe, test } from 'node:test'
import { decodeMulti } from '@msgpack/msgpack'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

/** A server that keeps what it gets: on a free port of loopback, or on the path of a unix socket. */
async function collector(path?: string): Promise<{ server: Server; port: number; bytes: () => Buffer }> {
  const chunks: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(path, resolve)
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return { server, port, bytes: () => Buffer.concat(chunks) }
}

describe('log drivers that send elsewhere', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd.stop()
  })

  const run = async (name: string, options: readonly string[], command: string): Promise<void> => {
    const flags = options.flatMap((option) => ['--log-opt', option])
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      name,
      '--log-driver',
      name,
      ...flags,
      'busybox',
      'sh',
      '-c',
      command,
    )
  }

  test('syslog by TCP in RFC 5424; docker logs reads the local cache', async () => {
    const sink = await collector()
    const options = [
      `syslog-address=tcp://127.0.0.1:${sink.port}`,
      'syslog-format=rfc5424',
      'tag={{.Name}}',
      'syslog-facility=local3',
    ]
    await run('syslog', options, 'echo one; echo two')
    await until('both lines came', () => sink.bytes().toString().includes('two'))
    assert.match(sink.bytes().toString(), /^\d+ <158>1 \S+Z \S+ syslog \d+ syslog - one\d+ <158>1 .* - two$/)
    await wharfd.ok('wait', 'syslog')
    assert.equal(await wharfd.ok('logs', 'syslog'), 'one\ntwo')
    await wharfd.ok('rm', 'syslog')
    sink.server.close()
  })

  test('gelf by UDP, compressed', async () => {
    const socket = createSocket('udp4')
    const messages: any[] = []
    socket.on('message', (bytes) => messages.push(JSON.parse(gunzipSync(bytes).toString())))
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    await run('gelf', [`gelf-address=udp://127.0.0.1:${socket.address().port}`], 'echo told')
    await until('the line came', () => messages.length === 1)
    assert.equal(messages[0].version, '1.1')
    assert.equal(messages[0].short_message, 'told')
    assert.equal(messages[0]._container_name, 'gelf')
    assert.equal(messages[0].level, 6)
    await wharfd.ok('rm', '-f', 'gelf')
    socket.close()
  })

  test('fluentd by its forward protocol', async () => {
    const sink = await collector()
    await run('fluentd', [`fluentd-address=127.0.0.1:${sink.port}`, 'tag=t.{{.Name}}'], 'echo told')
    await until('the line came', () => sink.bytes().includes('told'))
    const [[tag, entries]] = [...decodeMulti(sink.bytes())] as [[string, [number, Record<string, string>][]]]
    assert.equal(tag, 't.fluentd')
    assert.equal(entries[0]?.[1]?.['log'], 'told')
    assert.equal(entries[0]?.[1]?.['container_name'], '/fluentd')
    assert.equal(entries[0]?.[1]?.['source'], 'stdout')
    await wharfd.ok('rm', '-f', 'fluentd')
    sink.server.close()
  })

  test('splunk by its collector', async () => {
    const requests: { authorization: string | undefined; body: string }[] = []
    const server = createHttpServer((incoming, answer) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        requests.push({
          authorization: incoming.headers.authorization,
          body: Buffer.concat(chunks).toString(),
        })
        answer.end('{}')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await run(
      'splunk',
      [`splunk-url=http://127.0.0.1:${port}`, 'splunk-token=secret', 'splunk-index=main'],
      'echo told',
    )
    await until('the line came', () => requests.length > 0)
    assert.equal(requests[0]?.authorization, 'Splunk secret')
    const event = JSON.parse(requests[0]?.body ?? '')
    assert.deepEqual([event.index, event.event.line, event.event.source], ['main', 'told', 'stdout'])
    await wharfd.ok('rm', '-f', 'splunk')
    server.close()
  })

  test('a sink that is down gets everything when it comes, though the container ended and the daemon died', async () => {
    const path = `${wharfd.root}/fluentd.sock`
    await run('fluentd', [`fluentd-address=unix://${path}`], 'seq 200')
    assert.equal(await wharfd.ok('wait', 'fluentd'), '0')
    await wharfd.crash()
    const sink = await collector(path)
    const numbers = (): number[] =>
      [...decodeMulti(sink.bytes())].flatMap((message) =>
        (message as [string, [number, { log: string }][]])[1].map(([, record]) => Number(record.log)),
      )
    await until('the last line came', () => sink.bytes().includes('200') && numbers().at(-1) === 200)
    assert.deepEqual(
      numbers(),
      Array.from({ length: 200 }, (_, n) => n + 1),
    )
    await wharfd.ok('rm', 'fluentd')
    sink.server.close()
  })

  test('options are checked when the container is made, or when it starts, as Docker does', async () => {
    const cases: readonly [string, string[], RegExp][] = [
      ['gelf', [], /gelf-address is a required parameter/],
      ['splunk', [], /failed to initialize logging driver: splunk: splunk-url is expected/],
      ['syslog', ['syslog-facility=nosuch'], /invalid syslog facility/],
      ['syslog', ['syslog-address=http://x'], /unsupported scheme: 'http'/],
      ['fluentd', ['nosuch=1'], /unknown log opt 'nosuch' for fluentd log driver/],
      ['json-file', ['max-size=x'], /failed to initialize logging driver: invalid size: 'x'/],
      ['json-file', ['tag={{.Nope}}'], /can't evaluate field Nope in type \*logger.Info/],
      ['gcplogs', ['nosuch=1'], /"nosuch" is not a valid option for the gcplogs driver/],
      ['awslogs', [], /must specify a value for log opt 'awslogs-group'/],
      ['nobody', [], /error looking up logging plugin nobody: plugin "nobody" not found/],
    ]
    for (const [driver, options, words] of cases) {
      const flags = options.flatMap((option) => ['--log-opt', option])
      const result = await wharfd.docker('run', '--rm', '--log-driver', driver, ...flags, 'busybox', 'true')
      assert.match(result.stderr, words)
    }
  })

  test('a sink that takes nothing holds up neither the container nor its log', async () => {
    const stuck = createServer((socket) => socket.pause())
    await new Promise<void>((resolve) => stuck.listen(0, '127.0.0.1', resolve))
    const { port } = stuck.address() as AddressInfo
    await run('fluentd', [`fluentd-address=127.0.0.1:${port}`], 'seq 300000; echo end')
    assert.equal(await wharfd.ok('wait', 'fluentd'), '0')
    assert.equal(await wharfd.ok('logs', '--tail', '1', 'fluentd'), 'end')
    await wharfd.ok('start', 'fluentd')
    assert.equal(await wharfd.ok('wait', 'fluentd'), '0')
    await wharfd.ok('rm', '-f', 'fluentd')
    stuck.close()
    await wharfd.crash()
  })
})
