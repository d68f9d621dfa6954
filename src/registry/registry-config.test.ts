import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { endpointsOf, isInsecure, type RegistryConfig } from './registry-config.ts'

const config: RegistryConfig = {
  mirrors: new Map([['docker.io', ['https://10.9.9.9/base']]]),
  insecureRegistries: ['plain.test', 'other.test:5000', '10.1.0.0/16'],
  certificatesDirectory: '/nonexistent',
  proxies: { http: null, https: null, noProxy: null },
  maxConcurrentDownloads: 3,
  maxConcurrentUploads: 5,
  maxDownloadAttempts: 5,
  userAgent: 'test',
}

const hosts: readonly [host: string, isInsecure: boolean][] = [
  ['localhost', true],
  ['localhost:5000', true],
  ['127.0.0.9:5000', true],
  ['[::1]:5000', true],
  ['plain.test', true],
  ['plain.test:5000', true],
  ['other.test:5000', true],
  ['other.test', false],
  ['10.1.2.3:5000', true],
  ['10.2.2.3:5000', false],
  ['registry.test', false],
]
for (const [host, expected] of hosts) {
  test(`isInsecure(${host}) is ${expected}`, () => assert.equal(isInsecure(host, config), expected))
}

test('a name is insecure when one of its addresses is in a network that is', () => {
  const at = (...addresses: string[]): boolean => isInsecure('registry.test', { ...config, addresses })
  assert.equal(at('192.0.2.1'), false)
  assert.equal(at('192.0.2.1', '10.1.7.7'), true)
  assert.equal(at('127.0.0.1'), true)
  assert.equal(at('::1'), true)
})

test('endpointsOf() tries mirrors, then HTTPS, and HTTP only when it is insecure', async () => {
  const urls = async (domain: string): Promise<string[]> =>
    (await endpointsOf(domain, config)).map(({ url }) => url.href)
  assert.deepEqual((await urls('docker.io')).slice(0, 1), ['https://10.9.9.9/base/'])
  assert.equal((await urls('docker.io')).length, 2)
  assert.deepEqual(await urls('10.2.2.3'), ['https://10.2.2.3/'])
  assert.deepEqual(await urls('10.1.2.3'), ['https://10.1.2.3/', 'http://10.1.2.3/'])
  const bad = { ...config, mirrors: new Map([['docker.io', ['nowhere']]]) }
  await assert.rejects(endpointsOf('docker.io', bad), InvalidArgumentError)
})
