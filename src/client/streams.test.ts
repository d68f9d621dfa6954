import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { demultiplex, jsonValues } from './streams.ts'
import { DaemonError, queryText, Transport } from './transport.ts'

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function frame(kind: number, text: string): Buffer {
  const head = Buffer.alloc(8)
  head[0] = kind
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}

for (const size of [1, 3, 8, 1000]) {
  test(`demultiplex() takes frames apart that come ${size} bytes at a time`, async () => {
    const seen: string[] = []
    const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, ''), frame(1, 'more')])
    for await (const { stream, bytes: part } of demultiplex(pieces(bytes, size)))
      seen.push(`${stream}:${part.toString()}`)
    assert.deepEqual(seen, ['stdout:out', 'stderr:err', 'stdout:', 'stdout:more'])
  })

  test(`jsonValues() finds values that come ${size} bytes at a time`, async () => {
    const seen: unknown[] = []
    for await (const value of jsonValues(pieces(Buffer.from('{"a":"ü"}\r\n\n{"b":2}'), size)))
      seen.push(value)
    assert.deepEqual(seen, [{ a: 'ü' }, { b: 2 }])
  })
}

test('demultiplex() throws what the daemon says on stream 3', async () => {
  await assert.rejects(async () => {
    for await (const _ of demultiplex(pieces(frame(3, 'broken'), 100)));
  }, /error from daemon in stream: broken/)
})

test('queryText() leaves out what is not given and repeats lists', () => {
  assert.equal(
    queryText({ a: 1, b: undefined, c: null, d: ['x', 'y&'], e: false }),
    '?a=1&d=x&d=y%26&e=false',
  )
  assert.equal(queryText({}), '')
})

/** A server that answers every request with the same bytes. */
async function answering(t: TestContext, answer: string): Promise<Transport> {
  const folder = mkdtempSync(join(tmpdir(), 'w-client-'))
  const path = join(folder, 's')
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(answer))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return new Transport({ kind: 'unix', host: `unix://${path}`, path })
}

test('a body may come by length, in chunks, or until the connection ends', async (t) => {
  const heads = [
    'Content-Length: 7\r\n\r\n{"a":1}extra',
    'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\n\r\n',
    '\r\n{"a":1}',
  ]
  for (const head of heads) {
    const transport = await answering(t, `HTTP/1.1 200 OK\r\n${head}`)
    assert.deepEqual(await transport.json('/x'), { a: 1 })
  }
})

test('a body that is cut short is an error', async (t) => {
  for (const head of [
    'Content-Length: 9\r\n\r\n{"a":1}',
    'Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n',
  ]) {
    const transport = await answering(t, `HTTP/1.1 200 OK\r\n${head}`)
    await assert.rejects(transport.json('/x'), /unexpected EOF/)
  }
})

test('an error of the daemon has its status and its words', async (t) => {
  const transport = await answering(
    t,
    'HTTP/1.1 404 Not Found\r\nContent-Length: 31\r\n\r\n{"message":"No such container"}\n',
  )
  await assert.rejects(
    transport.json('/x'),
    (error) =>
      error instanceof DaemonError &&
      error.status === 404 &&
      error.code === 'not_found' &&
      error.message === 'No such container',
  )
})

test('no daemon is told in Docker’s words', async () => {
  const transport = new Transport({ kind: 'unix', host: 'unix:///nonexistent/s', path: '/nonexistent/s' })
  await assert.rejects(transport.json('/x'), {
    message: 'Cannot connect to the Docker daemon at unix:///nonexistent/s. Is the docker daemon running?',
  })
})
