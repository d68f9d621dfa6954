import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostsFile, parseResolvConf, reachableServers, resolvConf } from './etc-files.ts'

test('hosts: loopback, what was asked for, then the container itself', () => {
  const text = hostsFile({
    addresses: ['172.17.0.2', 'fd00::2'],
    hostname: 'web',
    domainname: '',
    extra: [{ address: '10.0.0.1', names: 'db' }],
  })
  assert.ok(text.startsWith('127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n'))
  assert.ok(text.endsWith('10.0.0.1\tdb\n172.17.0.2\tweb\nfd00::2\tweb\n'))
})

test('resolv.conf: the last search counts, comments do not', () => {
  const config = parseResolvConf(
    '# a\nnameserver 1.1.1.1 # one\nnameserver ::1\ndomain a.b\nsearch c.d e.f\noptions ndots:2 rotate\n;x\n',
  )
  assert.deepEqual(config, {
    servers: ['1.1.1.1', '::1'],
    search: ['c.d', 'e.f'],
    options: ['ndots:2', 'rotate'],
  })
  assert.deepEqual(parseResolvConf(resolvConf(config)), config)
  assert.doesNotMatch(resolvConf({ servers: ['1.1.1.1'], search: ['.'], options: [] }), /search|options/)
})

test('servers on loopback are of no use to a container', () => {
  assert.deepEqual(reachableServers(['127.0.0.1', '::1', '9.9.9.9']), ['9.9.9.9'])
  assert.deepEqual(reachableServers(['127.0.0.53']), ['8.8.8.8', '8.8.4.4'])
})
