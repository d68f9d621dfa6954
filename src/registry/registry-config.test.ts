import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { endpointsOf, isInsecure, type RegistryConfig } from './registry-config.ts'

const config: RegistryConfig = {
  mirrors: new Map([['docker.io', ['https://mirror.test/base']]]),
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
  test(`isInsecure(${host}) is ${expected}`, () =>
    assert.equal(isInsecure(host, config.insecureRegistries), expected))
}

test('endpointsOf() tries mirrors, then HTTPS, and HTTP only when it is insecure', () => {
  const urls = (domain: string): string[] => endpointsOf(domain, config).map(({ url }) => url.href)
  assert.deepEqual(urls('docker.io').slice(0, 1), ['https://mirror.test/base/'])
  assert.equal(urls('docker.io').length, 2)
  assert.deepEqual(urls('registry.test'), ['https://registry.test/'])
  assert.deepEqual(urls('plain.test'), ['https://plain.test/', 'http://plain.test/'])
  const bad = { ...config, mirrors: new Map([['docker.io', ['nowhere']]]) }
  assert.throws(() => endpointsOf('docker.io', bad), InvalidArgumentError)
})
