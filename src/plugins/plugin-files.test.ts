import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { findPlugin, pluginNames } from './plugin-files.ts'
import type { PluginDirectories } from './plugin-files.ts'

function directoriesOf(t: TestContext): PluginDirectories & { readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'wharf-plugins-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const name of ['run', 'etc', 'lib']) mkdirSync(join(root, name))
  return { root, sockets: join(root, 'run'), specs: [join(root, 'etc'), join(root, 'lib')] }
}

async function listen(t: TestContext, path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
}

test('findPlugin() finds sockets, also in a directory of their own, before files', async (t) => {
  const directories = directoriesOf(t)
  mkdirSync(join(directories.sockets, 'nested'))
  await listen(t, join(directories.sockets, 'flat.sock'))
  await listen(t, join(directories.sockets, 'nested', 'nested.sock'))
  writeFileSync(join(directories.root, 'etc', 'flat.spec'), 'tcp://192.0.2.1:1')
  writeFileSync(join(directories.sockets, 'file.sock'), '')
  assert.deepEqual(findPlugin('flat', directories), {
    kind: 'unix',
    socketPath: join(directories.sockets, 'flat.sock'),
  })
  assert.deepEqual(findPlugin('nested', directories), {
    kind: 'unix',
    socketPath: join(directories.sockets, 'nested', 'nested.sock'),
  })
  assert.equal(findPlugin('file', directories), null)
})

test('findPlugin() reads .spec and .json files, /etc before /usr/lib', (t) => {
  const directories = directoriesOf(t)
  writeFileSync(join(directories.root, 'etc', 'a.spec'), 'unix:///x/a.sock\n')
  writeFileSync(join(directories.root, 'lib', 'a.spec'), 'unix:///y/a.sock\n')
  writeFileSync(join(directories.root, 'etc', 'ca.pem'), 'CA')
  mkdirSync(join(directories.root, 'lib', 'b'))
  writeFileSync(
    join(directories.root, 'lib', 'b', 'b.json'),
    JSON.stringify({
      Name: 'b',
      Addr: 'https://[::1]:8080',
      TLSConfig: { CAFile: join(directories.root, 'etc', 'ca.pem') },
    }),
  )
  assert.deepEqual(findPlugin('a', directories), { kind: 'unix', socketPath: '/x/a.sock' })
  assert.deepEqual(findPlugin('b', directories), {
    kind: 'tcp',
    host: '::1',
    port: 8080,
    tls: { insecure: false, ca: Buffer.from('CA'), certificate: null, key: null },
  })
  assert.deepEqual(pluginNames(directories), ['a', 'b'])
})

test('findPlugin() trusts any certificate of a plugin whose file names no CA', (t) => {
  const directories = directoriesOf(t)
  writeFileSync(join(directories.root, 'etc', 'c.json'), '{"Addr":"https://h:1","TLSConfig":{}}')
  assert.deepEqual(findPlugin('c', directories), {
    kind: 'tcp',
    host: 'h',
    port: 1,
    tls: { insecure: true, ca: null, certificate: null, key: null },
  })
})

for (const [file, text, message] of [
  ['d.spec', 'nothing', /d\.spec: Unknown protocol: "nothing"$/],
  ['d.spec', 'ftp://h', /d\.spec: protocol not available: ftp$/],
  ['d.json', '[]', /d\.json: it is no object$/],
  ['d.json', '{"Addr":1}', /d\.json: "Addr" is not text$/],
  ['d.json', '{"Addr":"unix:///x","TLSConfig":{"CAFile":"/no/such"}}', /d\.json: ENOENT/],
] as const) {
  test(`findPlugin() refuses ${file} with ${text}`, (t) => {
    const directories = directoriesOf(t)
    writeFileSync(join(directories.root, 'etc', file), text)
    assert.throws(() => findPlugin('d', directories), { code: 'invalid_argument', message })
  })
}

for (const name of ['', '.', '..', '../etc/a', 'a/b', 'a\0', 'x'.repeat(300)]) {
  test(`findPlugin() finds nothing for ${JSON.stringify(name.slice(0, 12))}`, (t) => {
    const directories = directoriesOf(t)
    writeFileSync(join(directories.root, 'etc', 'a.spec'), 'unix:///x/a.sock\n')
    assert.equal(findPlugin(name, directories), null)
  })
}
