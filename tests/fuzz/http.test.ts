import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { API_SERVER_OPTIONS, ApiServer } from '#api/server.ts'
import type { Backends } from '#api/backends.ts'
import { silentLogger } from '#base/logger.ts'
import { NotFoundError } from '#errors/errors.ts'

/** Backends of which every method was called with something that could be called: nothing is ever found. */
function emptyBackends(): Backends {
  const nothing = new Proxy(
    {},
    {
      get: (_, name) =>
        name === 'builderVersion' ? '1' : () => Promise.reject(new NotFoundError('nothing')),
    },
  )
  return new Proxy({}, { get: (_, name) => (name === 'sessions' ? null : nothing) }) as Backends
}

/** A small generator of numbers that are the same in every run (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) % below
  }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get', '', 'G\x00T']
const SEGMENTS = [
  ...[
    'containers',
    'images',
    'exec',
    'volumes',
    'networks',
    'build',
    'json',
    'attach',
    'start',
    'create',
    'v1.41',
  ],
  ...[
    '..',
    '.',
    '%2e%2e',
    '%00',
    '%zz',
    '%ff',
    'a'.repeat(3000),
    '',
    '{}',
    '\u00e9',
    'v1.999999999999',
    '_ping',
  ],
]
const QUERIES = [
  ...[
    '',
    '?',
    '?a',
    '?filters={',
    '?filters=[]',
    '?filters={"a":{"b":{}}}',
    '?limit=9e99',
    '?limit=-1',
    '?t=x',
  ],
  ...[
    `?x=${'&y='.repeat(2000)}`,
    '?h=1&w=99999999',
    '?since=1.99999999999999',
    '?fromImage=%00',
    '?%',
    '?platform={"os":1}',
  ],
]
const HEADERS = [
  ...['Content-Length: 0', 'Content-Length: -1', 'Content-Length: 5', 'Content-Length: 99999999999999999999'],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: x',
    'Content-Type: application/json',
    'Content-Type: ;;',
  ],
  ...[
    'Connection: Upgrade\r\nUpgrade: tcp',
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Upgrade: h2c',
    'Expect: 100-continue',
  ],
  ...[
    'X-Registry-Auth: !!!',
    `X-Registry-Config: ${'A'.repeat(70000)}`,
    'Bad Header',
    ': empty',
    'Host: y',
    'A: \x01',
  ],
]
const BODIES = [
  ...[
    '',
    '{}',
    '[]',
    'null',
    '{"Image":',
    '"x"',
    '{"Cmd":{"a":1}}',
    '{"HostConfig":[]}',
    '\xff\xfe',
    '5\r\n{"a":\r\n0\r\n\r\n',
  ],
  ...[
    `${'['.repeat(50000)}`,
    `{"Env":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    '{"__proto__":{"Image":"x"}}',
    '{"Labels":{"__proto__":1}}',
  ],
]

describe('hostile HTTP', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-http-'))
  const path = join(directory, 'api.sock')
  let server: Server | null = null
  let api: ApiServer | null = null

  before(async () => {
    api = new ApiServer(emptyBackends(), { log: silentLogger, version: '0.0.0' })
    server = createServer(API_SERVER_OPTIONS)
    api.serve(server)
    await new Promise<void>((resolve) => server?.listen(path, resolve))
  })
  after(async () => {
    api?.closeConnections()
    await new Promise((resolve) => server?.close(resolve))
    rmSync(directory, { recursive: true })
  })

  /** What the server says to these bytes, up to the end of the connection or a moment of silence. */
  const say = (bytes: Buffer | string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(path)
      let text = ''
      let timer: NodeJS.Timeout | undefined
      const end = (): void => {
        clearTimeout(timer)
        socket.destroy()
        resolve(text)
      }
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        clearTimeout(timer)
        timer = setTimeout(end, 20)
      })
      socket.on('error', end)
      socket.on('close', end)
      socket.end(bytes)
      timer = setTimeout(end, 10_000)
    })

  const ping = async (): Promise<void> => {
    const answer = await say('GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 200 OK[^]*\r\n\r\nOK$/)
  }

  test('1,500 requests made of odd parts are each answered or cut, never by 500', async () => {
    for (let seed = 0; seed < 1500; seed++) {
      const random = randomOf(seed)
      const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
      const url = `/${Array.from({ length: 1 + random(4) }, () => pick(SEGMENTS)).join('/')}${pick(QUERIES)}`
      const headers = Array.from({ length: random(4) }, () => pick(HEADERS))
      const head = [`${pick(METHODS)} ${url} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers].join(
        '\r\n',
      )
      const answer = await say(Buffer.from(`${head}\r\n\r\n${pick(BODIES)}`, 'latin1'))
      assert.doesNotMatch(answer, /^HTTP\/1\.1 500/, `seed ${String(seed)}: ${head.slice(0, 500)}`)
    }
    await ping()
  })

  test('requests with bytes turned over do no harm', async () => {
    const whole = Buffer.from(
      'POST /v1.41/containers/create?name=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n{"Image":"a","Cmd":["b","c"]}',
    )
    for (let seed = 0; seed < 500; seed++) {
      const random = randomOf(seed + 10_000)
      const bytes = Buffer.from(whole)
      for (let count = 0; count <= random(4); count++) bytes[random(bytes.byteLength)] = random(256)
      const answer = await say(bytes.subarray(0, random(8) === 0 ? random(bytes.byteLength) : undefined))
      assert.doesNotMatch(answer, /^HTTP\/1\.1 500/, `seed ${String(seed)}`)
    }
    await ping()
  })

  test('a JSON body without end is refused before it fills the memory', async () => {
    const head =
      'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
    const chunk = `100000\r\n${'a'.repeat(0x100000)}\r\n`
    const answer = await say(Buffer.from(head + chunk.repeat(12)))
    assert.match(answer, /^HTTP\/1\.1 400[^]*request body too large/)
    await ping()
  })

  test('headers without end are refused', async () => {
    const answer = await say(`GET /_ping HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(300_000)}`)
    assert.match(answer, /^(HTTP\/1\.1 4\d\d|$)/)
    await ping()
  })

  test('a second request smuggled in a length and chunks at once is not read', async () => {
    const answer = await say(
      'POST /volumes/create HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /_ping HTTP/1.1\r\nHost: x\r\n\r\n',
    )
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request/)
    assert.doesNotMatch(answer, /200 OK/)
  })

  test('clients that leave at any moment are forgotten', async () => {
    const whole = 'GET /v1.41/containers/json HTTP/1.1\r\nHost: x\r\n\r\n'
    await Promise.all(
      Array.from(
        { length: 200 },
        (_, index) =>
          new Promise<void>((resolve) => {
            const socket = connect(path, () => {
              socket.write(whole.slice(0, index % whole.length))
              socket.destroy()
            })
            socket.on('error', () => resolve())
            socket.on('close', () => resolve())
          }),
      ),
    )
    await ping()
  })
})
