import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLocalOptions, localMount } from './local-options.ts'

for (const [options, message] of [
  [{ foo: 'x' }, 'invalid option: "foo"'],
  [{ type: 'tmpfs' }, 'missing required option: "device"'],
  [{ device: '/x' }, 'missing required option: "type"'],
  [{ o: 'ro' }, 'missing required option: "device"'],
] as const) {
  test(`checkLocalOptions() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => checkLocalOptions(options), { code: 'invalid_argument', message })
  })
}

test('localMount() turns words into flags and leaves the rest as data', async () => {
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'ro,noexec,size=10m,uid=1,exec' }
  checkLocalOptions(options)
  assert.deepEqual(await localMount(options), {
    source: 'tmpfs',
    fstype: 'tmpfs',
    flags: 1,
    data: 'size=10m,uid=1',
  })
})

test('localMount() binds', async () => {
  const mount = await localMount({ type: 'none', device: '/srv', o: 'bind,ro' })
  assert.deepEqual(mount, { source: '/srv', fstype: 'none', flags: 0x1001, data: '' })
})

test('localMount() looks servers up, and takes addresses as they are', async () => {
  const byName = await localMount({ type: 'nfs', device: ':/export', o: 'addr=localhost,rw' })
  assert.match(byName?.data ?? '', /^addr=(127\.0\.0\.1|::1)$/)
  const byAddress = await localMount({ type: 'nfs4', device: ':/export', o: 'addr=192.0.2.1' })
  assert.equal(byAddress?.data, 'addr=192.0.2.1')
})

test('localMount() mounts nothing without options', async () => {
  assert.equal(await localMount({}), null)
})
