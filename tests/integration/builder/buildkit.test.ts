import assert from 'node:assert/strict'
import { performServerHandshake } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { BUILD_RESULT_ID, BUILD_STATUS_ID, decodeBuildStatus } from '#spec/docker/build-status.ts'
import { makeImage, RegistryServer } from '../../support/registry-server.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { tarOf } from '../layers/fixture.ts'

let daemon: Wharfd
let registry: RegistryServer

before(async () => {
  registry = await RegistryServer.start({ users: { me: 'secret' } })
  registry.add('private', '1', makeImage([tarOf([{ name: 'a-file', content: 'in the base' }])]))
  daemon = await Wharfd.startWithBusybox({ config: { 'insecure-registries': [registry.address] } })
})
after(async () => {
  await daemon.stop()
  await registry[Symbol.asyncDispose]()
})

interface Line {
  readonly id?: string
  readonly aux?: unknown
  readonly error?: string
}

async function build(dockerfile: string, query: string): Promise<readonly Line[]> {
  const context = tarOf([{ name: 'Dockerfile', content: dockerfile }])
  const answer = await daemon.api('POST', `/build?version=2&${query}`, context)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return String(answer.body)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** A connection whose first bytes have been read already. */
function rest(socket: Socket, first: Buffer): Duplex {
  const duplex = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
  })
  if (first.length > 0) duplex.push(first)
  socket.on('data', (chunk: Buffer) => duplex.push(chunk))
  socket.on('close', () => duplex.destroy())
  return duplex
}

/** A client that serves BuildKit's gRPC on the connection it opened, and answers every call for credentials. */
function openSession(id: string, asked: string[]): Promise<Socket> {
  const socket = connect(daemon.socketPath)
  const opened = Promise.withResolvers<Socket>()
  socket.write(
    `POST /session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: ${id}\r\n\r\n`,
  )
  socket.once('data', (head: Buffer) => {
    assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /)
    const session = performServerHandshake(rest(socket, head.subarray(head.indexOf('\r\n\r\n') + 4)))
    session.on('stream', (stream, headers) => {
      asked.push(String(headers[':path']))
      stream.on('data', (chunk: Buffer) => asked.push(chunk.subarray(7).toString()))
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        const message = Buffer.from('\x0a\x02me\x12\x06secret')
        stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]))
      })
    })
    opened.resolve(socket)
  })
  return opened.promise
}

test('version=2 tells the build as BuildKit does', async () => {
  const lines = await build(
    'FROM busybox AS base\nRUN echo said; echo warned >&2\nENV A=1\nFROM base AS last\nCOPY Dockerfile /d\n',
    't=made:kit',
  )
  const statuses = lines
    .filter(({ id }) => id === BUILD_STATUS_ID)
    .map(({ aux }) => decodeBuildStatus(Buffer.from(String(aux), 'base64')))
  const last = new Map(
    statuses.flatMap(({ vertexes }) => vertexes).map((vertex) => [vertex.name, vertex] as const),
  )
  assert.deepEqual(
    [...last.keys()].filter((name) => !name.startsWith('[internal]')),
    [
      '[base 1/2] FROM busybox AS base',
      '[base 2/2] RUN echo said; echo warned >&2',
      '[last 1/2] FROM base AS last',
      '[last 2/2] COPY Dockerfile /d',
      'exporting to image',
    ],
  )
  for (const { name, startedMs, completedMs, error } of last.values()) {
    assert.ok(startedMs !== null && completedMs !== null && completedMs >= startedMs, name)
    assert.equal(error, '')
  }
  const run = last.get('[base 2/2] RUN echo said; echo warned >&2')
  assert.deepEqual(run?.inputs, [last.get('[base 1/2] FROM busybox AS base')?.digest])
  const logs = statuses.flatMap((status) => status.logs)
  assert.deepEqual(new Set(logs.map(({ vertex }) => vertex)), new Set([run?.digest]))
  const said = (stream: string): string =>
    Buffer.concat(logs.filter((log) => log.stream === stream).map(({ bytes }) => bytes)).toString()
  assert.deepEqual([said('stdout'), said('stderr')], ['said\n', 'warned\n'])
  const { Id } = (await daemon.call('GET', '/images/made:kit/json')) as { Id: string }
  assert.deepEqual(lines.at(-1), { id: BUILD_RESULT_ID, aux: { ID: Id } })
})

test('a step that fails is told with its error', async () => {
  const lines = await build('FROM busybox\nRUN exit 7\n', '')
  assert.match(lines.at(-1)?.error ?? '', /returned a non-zero code: 7/)
  const failed = lines
    .filter(({ id }) => id === BUILD_STATUS_ID)
    .flatMap(({ aux }) => decodeBuildStatus(Buffer.from(String(aux), 'base64')).vertexes)
    .find(({ error }) => error !== '')
  assert.equal(failed?.name, '[2/2] RUN exit 7')
})

test('credentials come from the session', async () => {
  const asked: string[] = []
  const socket = await openSession('an-id', asked)
  const from = `FROM ${registry.address}/private:1\n`
  const lines = await build(from, 'session=an-id&pull=1')
  assert.equal(lines.at(-1)?.id, BUILD_RESULT_ID, JSON.stringify(lines.at(-1)))
  assert.deepEqual(asked.slice(0, 2), ['/moby.filesync.v1.Auth/Credentials', registry.address])
  socket.destroy()
  const refused = await build(from, 'session=an-id&pull=1')
  assert.ok(refused.at(-1)?.error, 'without a session there are no credentials')
})

test('a context in the session is refused clearly', async () => {
  const answer = await daemon.api('POST', '/build?version=2&remote=client-session&session=x')
  assert.equal(answer.status, 501)
  assert.match(JSON.stringify(answer.body), /in a BuildKit session, which Wharf does not read/)
})
