import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parseCluster } from './cluster-options.ts'

const noFile = (): string => {
  throw new Error('no file is read')
}

test('several servers, a path, an advertised address with a port', () => {
  const flags = {
    store: 'etcd://10.0.0.1:2379,store.example,[fd00::1]:80/a/b/',
    advertise: '10.0.0.9:2376',
    options: {},
  }
  assert.deepEqual(parseCluster(flags, noFile), {
    etcd: {
      endpoints: ['http://10.0.0.1:2379', 'http://store.example:2379', 'http://[fd00::1]:80'],
      tls: null,
    },
    prefix: 'a/b/v1/',
    advertise: '10.0.0.9',
    ttlSeconds: 60,
    heartbeatSeconds: 20,
    graceSeconds: 600,
  })
})

test('TLS files make the servers https; an interface is advertised', () => {
  const options = {
    'kv.cacertfile': '/ca',
    'kv.certfile': '/cert',
    'kv.keyfile': '/key',
    'discovery.heartbeat': '2',
  }
  const parsed = parseCluster(
    { store: 'etcd://a:1', advertise: 'eth0:2376', options },
    (path) => `pem of ${path}`,
  )
  assert.deepEqual(parsed.etcd, {
    endpoints: ['https://a:1'],
    tls: { ca: 'pem of /ca', cert: 'pem of /cert', key: 'pem of /key' },
  })
  assert.equal(parsed.advertise, 'eth0')
  assert.equal(parsed.ttlSeconds, 6)
  assert.equal(
    parseCluster({ store: 'https://a', advertise: '[fd00::0:1]:2376', options: {} }, noFile).advertise,
    'fd00::1',
  )
})

const wrong = [
  { store: 'consul://a:8500', advertise: 'eth0', options: {} },
  { store: 'etcd://', advertise: 'eth0', options: {} },
  { store: 'etcd://user@a', advertise: 'eth0', options: {} },
  { store: 'etcd://a b', advertise: 'eth0', options: {} },
  { store: 'etcd://a', advertise: '', options: {} },
  { store: 'etcd://a', advertise: 'eth0', options: { 'kv.user': 'x' } },
  { store: 'etcd://a', advertise: 'eth0', options: { 'discovery.ttl': '0' } },
  { store: 'etcd://a', advertise: 'eth0', options: { 'discovery.ttl': '20' } },
]
for (const flags of wrong) {
  test(`${JSON.stringify(flags)} is refused`, () => {
    assert.throws(() => parseCluster(flags, noFile), InvalidArgumentError)
  })
}
