import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { run } from '../../support/engine.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

/** What came over a raw connection until it ended or `enough` said so. */
async function talk(socket: Socket, enough: (text: string) => boolean): Promise<string> {
  let text = ''
  let ended = false
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', () => (ended = true))
  socket.on('close', () => (ended = true))
  await until(`enough was said: ${text}`, () => enough(text) || ended)
  return text
}

describe('the protocol of the API', () => {
  let daemon: Wharfd | null = null
  const engine = (): Wharfd => daemon as Wharfd

  before(async () => {
    daemon = await Wharfd.startWithBusybox()
    await engine().ok('run', '-d', '-i', '--name', 'cat', 'busybox', 'cat')
    await engine().ok('run', '-d', '-it', '--name', 'shell', 'busybox', 'sh')
  })
  after(async () => {
    await daemon?.stop()
  })

  const raw = (request: string): Socket => {
    const socket = connect(engine().socketPath)
    socket.write(request.replaceAll('\n', '\r\n'))
    return socket
  }

  test('attach with an upgrade: 101, frames, and the end of input ends stdin', async () => {
    const socket = raw(
      'POST /v1.51/containers/cat/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: tcp\n\n',
    )
    const said = talk(socket, (text) => text.includes('hello\n'))
    socket.write('hello\n')
    const text = await said
    assert.match(text, /^HTTP\/1\.1 101 UPGRADED\r\n/)
    assert.match(text, /Content-Type: application\/vnd\.docker\.multiplexed-stream\r\n/)
    assert.ok(text.includes('\x01\0\0\0\0\0\0\x06hello\n'))
    socket.destroy()
  })

  test('attach without an upgrade: 200 without length, then raw frames', async () => {
    const socket = raw('POST /v1.41/containers/cat/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\nHost: x\n\n')
    const said = talk(socket, (text) => text.includes('plain\n'))
    await until('the head has come', () => socket.bytesRead > 0)
    socket.write('plain\n')
    const text = await said
    assert.match(text, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n\r\n/)
    assert.ok(text.includes('\x01\0\0\0\0\0\0\x06plain\n'))
    socket.destroy()
  })

  test('attach with an upgrade that `Connection` does not speak of is an upgrade too', async () => {
    const socket = raw(
      'POST /v1.51/containers/cat/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\nHost: x\nUpgrade: tcp\n\n',
    )
    const said = talk(socket, (text) => text.includes('lonely\n'))
    await until('the head has come', () => socket.bytesRead > 0)
    socket.write('lonely\n')
    const text = await said
    assert.match(text, /^HTTP\/1\.1 101 UPGRADED\r\n/)
    assert.ok(text.includes('\x01\0\0\0\0\0\0\x07lonely\n'))
    socket.destroy()
  })

  test('a quiet load is done when its head comes: who leaves then has the image', async () => {
    const directory = scratchDirectory('l')
    const file = `${directory}/image.tar`
    await engine().ok('tag', 'busybox', 'made-left:1')
    await engine().ok('save', '-o', file, 'made-left:1')
    await engine().ok('rmi', 'made-left:1')
    const socket = raw(
      `POST /v1.51/images/load?quiet=1 HTTP/1.1\nHost: x\nContent-Type: application/x-tar\nContent-Length: ${statSync(file).size}\n\n`,
    )
    const said = talk(socket, (text) => text.includes('\r\n\r\n'))
    socket.write(readFileSync(file))
    await said
    socket.destroy()
    await engine().ok('rmi', 'made-left:1')
    rmSync(directory, { recursive: true })
  })

  test('each message of a stream is a chunk of its own', async () => {
    const directory = scratchDirectory('b')
    const dockerfile = 'FROM busybox\\nLABEL a=b\\n'
    const tar = await run(['sh', '-c', `printf '${dockerfile}' > Dockerfile; tar c Dockerfile`], {
      cwd: directory,
    })
    const socket = raw(
      `POST /v1.51/build HTTP/1.1\nHost: x\nContent-Type: application/x-tar\nContent-Length: ${tar.stdout.length}\n\n`,
    )
    const said = talk(socket, (text) => text.endsWith('\r\n0\r\n\r\n'))
    socket.write(tar.stdout)
    const text = await said
    socket.destroy()
    const lines = text.split('\r\n').filter((line) => line.startsWith('{'))
    const chunks = text.match(/^[0-9a-f]+\r$/gm) ?? []
    assert.ok(lines.length >= 4, text)
    assert.equal(chunks.length, lines.length + 1)
    rmSync(directory, { recursive: true })
  })

  test('an upgrade that fails is an ordinary answer', async () => {
    const socket = raw(
      'POST /v1.51/containers/nobody/attach HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: tcp\n\n',
    )
    const text = await talk(socket, (said) => said.endsWith('}\n'))
    assert.match(text, /^HTTP\/1\.1 404 Not Found\r\n/)
    assert.ok(text.endsWith('{"message":"No such container: nobody"}\n'))
    socket.destroy()
  })

  test('exec start reads its body before it takes the connection over', async () => {
    const { Id } = (await engine().call('POST', '/containers/cat/exec', {
      Cmd: ['cat'],
      AttachStdin: true,
      AttachStdout: true,
    })) as { Id: string }
    const socket = raw(
      `POST /v1.51/exec/${Id}/start HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: tcp\nContent-Type: application/json\nContent-Length: 16\n\n{"Detach":false}`,
    )
    const said = talk(socket, () => false)
    await until('the head has come', () => socket.bytesRead > 0)
    socket.end('in')
    assert.ok((await said).endsWith('\x01\0\0\0\0\0\0\x02in'))
  })

  test('exec start without a terminal gets frames, of an exec with one too', async () => {
    const { Id } = (await engine().call('POST', '/containers/cat/exec', {
      Cmd: ['echo', 'framed'],
      Tty: true,
      AttachStdout: true,
    })) as { Id: string }
    const socket = raw(
      `POST /v1.51/exec/${Id}/start HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: tcp\nContent-Type: application/json\nContent-Length: 2\n\n{}`,
    )
    const text = await talk(socket, (said) => said.includes('framed\r\n'))
    assert.ok(text.endsWith('\x01\0\0\0\0\0\0\x08framed\r\n'), JSON.stringify(text))
    socket.destroy()
  })

  test('exec start tells on the stream what failed after the head', async () => {
    const { Id } = (await engine().call('POST', '/containers/cat/exec', {
      Cmd: ['/no/such'],
      AttachStdout: true,
    })) as { Id: string }
    const answer = await engine().api('POST', `/exec/${Id}/start`, {})
    assert.equal(answer.status, 200)
    assert.match(String(answer.body), /no such file or directory/)
  })

  test('attach over a websocket carries bytes both ways, without frames', async () => {
    const url = `ws+unix://${engine().socketPath}:/v1.51/containers/shell/attach/ws?stream=1&stdin=1&stdout=1`
    const socket = new WebSocket(url)
    let text = ''
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      assert.equal(isBinary, true)
      text += data.toString()
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
    })
    socket.send(Buffer.from('echo $((6 * 7))\n'))
    await until('the shell has answered', () => text.includes('42'))
    socket.terminate()
  })

  test('a websocket to a container that is not there is refused', async () => {
    const socket = new WebSocket(`ws+unix://${engine().socketPath}:/containers/nobody/attach/ws`)
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
    assert.match(error.message, /404/)
  })

  test('wait sends its head at once, and the exit when it comes', async () => {
    await engine().ok('run', '-d', '-i', '--name', 'brief', 'busybox', 'sh', '-c', 'read x; exit 7')
    const socket = raw('POST /v1.51/containers/brief/wait HTTP/1.1\nHost: x\nConnection: close\n\n')
    const said = talk(socket, () => false)
    await until('the head has come', () => socket.bytesRead > 0)
    await engine().ok('kill', '-s', 'KILL', 'brief')
    assert.match(await said, /"StatusCode":137/)
  })

  test('events go on until the client leaves, who is then forgotten', async () => {
    const socket = raw('GET /v1.51/events?filters={"type":["volume"]} HTTP/1.1\nHost: x\n\n')
    const said = talk(socket, (text) => text.includes('"Action":"create"'))
    await until('the follower is known', async () => {
      const info = (await engine().call('GET', '/info')) as { NEventsListener: number }
      return info.NEventsListener === 1
    })
    await engine().call('POST', '/volumes/create', { Name: 'told' })
    assert.match(await said, /"Type":"volume"/)
    socket.destroy()
    await until('the follower is forgotten', async () => {
      const info = (await engine().call('GET', '/info')) as { NEventsListener: number }
      return info.NEventsListener === 0
    })
  })

  test('several requests on one connection are answered in order', async () => {
    const socket = raw(
      'GET /_ping HTTP/1.1\nHost: x\n\nGET /v1.41/_ping HTTP/1.1\nHost: x\nConnection: close\n\n',
    )
    const text = await talk(socket, () => false)
    assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
  })

  for (const [name, method, path, body, status, message] of [
    ['an unknown path', 'GET', '/v1.41/nothing', undefined, 404, 'page not found'],
    ['a wrong method', 'DELETE', '/info', undefined, 404, 'page not found'],
    [
      'no configuration',
      'POST',
      '/containers/create',
      undefined,
      400,
      'config cannot be empty in order to create a container',
    ],
    [
      'a field of the wrong kind',
      'POST',
      '/containers/create',
      { Image: 3 },
      400,
      /cannot unmarshal number 3/,
    ],
    ['a body that is no object', 'POST', '/volumes/create', [], 400, /cannot unmarshal array/],
    ['filters that are none', 'GET', '/containers/json?filters=x', undefined, 400, /invalid filter/],
    ['a resize to nothing', 'POST', '/containers/shell/resize?h=x', undefined, 400, /invalid/],
    [
      'a wait for what is no condition',
      'POST',
      '/containers/cat/wait?condition=x',
      undefined,
      400,
      'invalid condition: "x"',
    ],
    ['swarm', 'GET', '/services', undefined, 503, /This node is not a swarm manager/],
    ['a plugin', 'GET', '/plugins/a/b/json', undefined, 404, 'plugin "a/b" not found'],
    ['a session', 'POST', '/grpc', undefined, 501, /BuildKit/],
    [
      'logs of no stream',
      'GET',
      '/containers/cat/logs',
      undefined,
      400,
      'Bad parameters: you must choose at least one stream',
    ],
  ] as const) {
    test(`refuses ${name} with ${String(status)}`, async () => {
      const answer = await engine().api(method, path, body)
      assert.equal(answer.status, status)
      if (typeof message === 'string') assert.equal(answer.body.message, message)
      else assert.match(answer.body.message, message)
    })
  }

  test('a body that is not said to be JSON is refused', async () => {
    const answer = await engine().api('POST', '/volumes/create', '{}')
    assert.equal(answer.status, 400)
    assert.match(answer.body.message, /unsupported Content-Type header \(application\/x-tar\)/)
  })
})
