import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { silentLogger } from '#base/logger.ts'
import { run } from '../../support/engine.ts'
import { TestPlugin } from '../../support/plugin.ts'
import type { PluginHandler } from '../../support/plugin.ts'
import { textField } from '#plugins/answer-fields.ts'
import { openPlugins } from '#plugins/open-plugins.ts'
import { PluginError, PluginUnreachableError } from '#plugins/plugin-error.ts'
import type { Plugins } from '#plugins/plugins.ts'

interface Fixture {
  readonly directory: string
  readonly plugins: Plugins
  start(name: string, handle: PluginHandler, capabilities?: readonly string[]): Promise<TestPlugin>
}

function fixture(t: TestContext, retryMs = 0): Fixture {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-plugins-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return {
    directory,
    plugins: openPlugins({
      logger: silentLogger,
      directories: { sockets: directory, specs: [directory] },
      retryMs,
      pauseMs: 5,
    }),
    async start(name, handle, capabilities = ['VolumeDriver']) {
      const plugin = await TestPlugin.start(directory, { name, implements: capabilities, handle })
      t.after(() => plugin.stop())
      return plugin
    },
  }
}

test('get() activates a plugin once, and call() speaks as Docker does', async (t) => {
  const { plugins, start } = fixture(t)
  const disk = await start('disk', () => ({ Mountpoint: '/m' }))
  const [first, second] = await Promise.all([
    plugins.get('disk', 'VolumeDriver'),
    plugins.get('disk', 'VolumeDriver'),
  ])
  assert.equal(first, second)
  const answer = await first.call('VolumeDriver.Path', { Name: 'x' })
  assert.equal(textField(answer, 'mountPoint'), '/m')
  assert.deepEqual(disk.methods, ['Plugin.Activate', 'VolumeDriver.Path'])
  assert.deepEqual(disk.calls[1]?.body, { Name: 'x' })
  assert.equal(disk.calls[1]?.headers.accept, 'application/vnd.docker.plugins.v1.2+json')
  assert.equal(disk.calls[1]?.headers.host, 'plugin.moby.localhost')
  assert.equal(disk.calls[0]?.headers['content-length'], '0')
})

test('get() says what is not there, and what is another kind', async (t) => {
  const { plugins, start } = fixture(t)
  await start('disk', () => ({}))
  await assert.rejects(plugins.get('nope', 'VolumeDriver'), {
    code: 'not_found',
    message: 'plugin "nope" not found',
  })
  await assert.rejects(plugins.get('disk', 'NetworkDriver'), {
    code: 'plugin',
    message:
      'legacy plugin: Plugin does not implement the requested driver: plugin="disk", requested implementation="NetworkDriver"',
  })
})

test('get() activates again what was started anew, and forgets what went', async (t) => {
  const { plugins, start } = fixture(t)
  const before = await start('disk', () => ({}))
  await plugins.get('disk', 'VolumeDriver')
  await before.stop()
  await assert.rejects(plugins.get('disk', 'VolumeDriver'), { code: 'not_found' })
  const after = await start('disk', () => ({}))
  await plugins.get('disk', 'VolumeDriver')
  assert.deepEqual(after.methods, ['Plugin.Activate'])
})

test('list() asks all and leaves out who does not answer', async (t) => {
  const { directory, plugins, start } = fixture(t, 60_000)
  await start('b', () => ({}))
  await start('a', () => ({}), ['NetworkDriver', 'VolumeDriver'])
  await start('other', () => ({}), ['LogDriver'])
  writeFileSync(join(directory, 'dead.spec'), `unix://${directory}/nobody.sock`)
  writeFileSync(join(directory, 'bad.spec'), 'nonsense')
  const listed = await plugins.list('VolumeDriver')
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['a', 'b'],
  )
})

test('one that never answers is waited for once by those who only look around', async (t) => {
  const { plugins, directory, start } = fixture(t)
  const mute = await TestPlugin.start(directory, { name: 'mute', handle: () => new Promise(() => {}) })
  t.after(() => mute.stop())
  await start('good', () => ({}))
  const names = async (): Promise<readonly string[]> =>
    (await plugins.list('VolumeDriver')).map(({ name }) => name)
  assert.deepEqual(await names(), ['good'])
  assert.deepEqual(await names(), ['good'])
  assert.equal(mute.calls.length, 1)

  const late = await start('late', ({ body }) => (body['wait'] === true ? new Promise(() => {}) : {}))
  const client = await plugins.get('late', 'VolumeDriver')
  const hasty = { skipsSilent: true, timeoutMs: 50 }
  await assert.rejects(client.call('VolumeDriver.List', { wait: true }, hasty), /did not answer in time/)
  await assert.rejects(client.call('VolumeDriver.List', {}, hasty), /did not answer in time/)
  assert.equal(late.calls.length, 2)
  await client.call('VolumeDriver.List', {})
  await client.call('VolumeDriver.List', {}, hasty)
})

test('call() tries again while the plugin starts, and gives up in time', async (t) => {
  const { directory, plugins, start } = fixture(t, 5_000)
  writeFileSync(join(directory, 'late.spec'), `unix://${directory}/slow/late.sock`)
  const pending = plugins.get('late', 'VolumeDriver')
  const late = await TestPlugin.start(join(directory, 'slow'), {
    name: 'late',
    implements: ['VolumeDriver'],
    handle: () => ({}),
  })
  t.after(() => late.stop())
  const client = await pending
  await client.call('VolumeDriver.Create', {})

  const short = fixture(t, 20)
  const gone = await short.start('gone', () => ({}))
  const lost = await short.plugins.get('gone', 'VolumeDriver')
  await gone.stop()
  await assert.rejects(lost.call('VolumeDriver.Get', {}), {
    name: 'PluginUnreachableError',
    message: `Post "http://plugin.moby.localhost/VolumeDriver.Get": dial unix ${short.directory}/gone.sock: connect: no such file or directory`,
  })
  await start('other', () => ({}))
})

test('call() stops waiting when the client leaves', async (t) => {
  const { plugins, start } = fixture(t)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  await start('disk', () => promise)
  t.after(() => resolve(undefined))
  const client = await plugins.get('disk', 'VolumeDriver')
  const left = new AbortController()
  const pending = client.call('VolumeDriver.Mount', {}, { signal: left.signal })
  left.abort(new Error('left'))
  await assert.rejects(pending, { message: 'left' })
})

const hostile: readonly { name: string; handle: PluginHandler; message: RegExp }[] = [
  { name: 'an error', handle: () => ({ Err: 'no room' }), message: /^no room$/ },
  {
    name: 'an error with a status',
    handle: (_call, response) => {
      response.statusCode = 500
      return { Err: 'no room' }
    },
    message: /^VolumeDriver\.Get: no room$/,
  },
  {
    name: 'text with a status',
    handle: (_call, response) => {
      response.writeHead(404).end('not here')
      return undefined
    },
    message: /^VolumeDriver\.Get: not here$/,
  },
  {
    name: 'no JSON',
    handle: (_call, response) => {
      response.end('<html>')
      return undefined
    },
    message: /^VolumeDriver\.Get: plugin "bad" answered .*JSON/,
  },
  { name: 'a list', handle: () => [], message: /answered no JSON object$/ },
  { name: 'an error that is no text', handle: () => ({ Err: { a: 1 } }), message: /"Err" is not text$/ },
  {
    name: 'a body without end',
    handle: (_call, response) => {
      const chunk = Buffer.alloc(1 << 20, ' ')
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', more)
      more()
      return undefined
    },
    message: /the answer is longer than 8388608 bytes$/,
  },
  {
    name: 'an error without end',
    handle: (_call, response) => {
      response.writeHead(500)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 16)));
      }
      response.on('drain', more)
      more()
      return undefined
    },
    message: /longer than 65536 bytes$/,
  },
  {
    name: 'half an answer',
    handle: (_call, response) => {
      response.writeHead(200, { 'Content-Length': '100' })
      response.write('{', () => response.destroy())
      return undefined
    },
    message: /^VolumeDriver\.Get: /,
  },
  {
    name: 'drops without end',
    handle: (_call, response) => {
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
      return undefined
    },
    message: /^VolumeDriver\.Get: plugin "bad" did not answer in time$/,
  },
  {
    name: 'nothing',
    handle: () => new Promise(() => {}),
    message: /did not answer in time$/,
  },
  {
    name: 'a hang-up',
    handle: (_call, response) => {
      response.destroy()
      return undefined
    },
    message: /^Post "http:\/\/plugin\.moby\.localhost\/VolumeDriver\.Get": .*socket hang up$/,
  },
]

for (const { name, handle, message } of hostile) {
  test(`call() survives a plugin that answers ${name}`, { timeout: 20_000 }, async (t) => {
    const { plugins, start } = fixture(t)
    await start('bad', handle)
    const client = await plugins.get('bad', 'VolumeDriver')
    await assert.rejects(client.call('VolumeDriver.Get', {}, { timeoutMs: 1_000 }), (error: Error) => {
      assert.ok(error instanceof PluginError)
      assert.match(error.message, message)
      return true
    })
  })
}

for (const said of [{}, { Implements: 'VolumeDriver' }, { Implements: [1] }, { Implements: null }]) {
  test(`get() takes ${JSON.stringify(said)} for no volume driver`, async (t) => {
    const { plugins, directory } = fixture(t)
    const plugin = await TestPlugin.start(directory, { name: 'odd', handle: () => said })
    t.after(() => plugin.stop())
    await assert.rejects(plugins.get('odd', 'VolumeDriver'), { code: 'plugin' })
  })
}

test('stream() gives bytes as they come, and says errors as call() does', async (t) => {
  const { plugins, start } = fixture(t)
  await start(
    'log',
    (call, response) => {
      if (call.body['fail'] === true) {
        response.statusCode = 500
        return { Err: 'no logs' }
      }
      response.write('one')
      return undefined
    },
    ['LogDriver'],
  )
  const client = await plugins.get('log', 'LogDriver')
  const stream = await client.stream('LogDriver.ReadLogs', {})
  const { value } = (await stream[Symbol.asyncIterator]().next()) as { value: Buffer }
  assert.equal(value.toString(), 'one')
  stream.destroy()
  await assert.rejects(client.stream('LogDriver.ReadLogs', { fail: true }), {
    message: 'LogDriver.ReadLogs: no logs',
  })
})

test('get() asks over TCP whom a file names so', async (t) => {
  const { plugins, directory } = fixture(t)
  const server = createServer((_request, response) => response.end('{"Implements":["LogDriver"]}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  writeFileSync(join(directory, 'far.spec'), `tcp://127.0.0.1:${String(port)}`)
  const client = await plugins.get('far', 'LogDriver')
  assert.deepEqual(client.capabilities, ['LogDriver'])
  writeFileSync(join(directory, 'none.spec'), 'http://127.0.0.1:1')
  await assert.rejects(plugins.get('none', 'LogDriver'), (error: Error) => {
    assert.ok(error instanceof PluginUnreachableError)
    assert.match(error.message, /^Post "http:\/\/127\.0\.0\.1:1\/Plugin\.Activate": dial tcp .*refused$/)
    return true
  })
})

test('get() asks by TLS with the certificates that a file names, and trusts no other', async (t) => {
  const { plugins, directory } = fixture(t)
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') }
  const made = await run([
    ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', files.key, '-out', files.cert],
  ])
  assert.equal(made.exitCode, 0, made.stderr)
  const [key, cert] = [readFileSync(files.key), readFileSync(files.cert)]
  const options = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true }
  const server = createTlsServer(options, (_request, response) => response.end('{"Implements":["authz"]}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const Addr = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const own = { CAFile: files.cert, CertFile: files.cert, KeyFile: files.key }
  const write = (name: string, TLSConfig: object | undefined): void =>
    writeFileSync(join(directory, `${name}.json`), JSON.stringify({ Name: name, Addr, TLSConfig }))
  write('good', own)
  write('careless', { ...own, CAFile: '', InsecureSkipVerify: true })
  write('nameless', { CAFile: files.cert })
  write('strange', { CAFile: '/etc/ssl/certs/ca-certificates.crt', CertFile: files.cert, KeyFile: files.key })
  await plugins.get('good', 'authz')
  await plugins.get('careless', 'authz')
  for (const name of ['nameless', 'strange']) {
    await assert.rejects(plugins.get(name, 'authz'), { name: 'PluginUnreachableError' }, name)
  }
})
