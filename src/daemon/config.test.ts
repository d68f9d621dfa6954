import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { readConfig } from './config.ts'
import type { DaemonConfig } from './config.ts'
import { parseCommandLine } from './flags.ts'

function read(
  t: TestContext,
  given: { file?: unknown; argv?: readonly string[]; environment?: NodeJS.ProcessEnv },
): { config: DaemonConfig; path: string } {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-config-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'daemon.json')
  const text = typeof given.file === 'string' ? given.file : JSON.stringify(given.file ?? {})
  writeFileSync(path, text)
  const commandLine = parseCommandLine(['--config-file', path, ...(given.argv ?? [])])
  return { config: readConfig(commandLine, given.environment ?? {}), path }
}

test('readConfig() fills in defaults', (t) => {
  const { config } = read(t, {})
  assert.equal(config.dataRoot, '/var/lib/wharf')
  assert.deepEqual(config.hosts, ['unix:///run/wharf/wharf.sock'])
  assert.equal(config.shmSizeBytes, 64 * 1024 * 1024)
  assert.equal(config.tls, null)
})

test('readConfig() reads the cluster of overlay networks from the file and from flags alike', (t) => {
  const file = {
    'cluster-store': 'etcd://10.0.0.1:2379,10.0.0.2:2379',
    'cluster-advertise': 'eth0:2376',
    'cluster-store-opts': { 'discovery.ttl': '30', 'discovery.heartbeat': '10' },
  }
  const argv = [
    ...['--cluster-store', file['cluster-store'], '--cluster-advertise=eth0:2376'],
    ...['--cluster-store-opt', 'discovery.ttl=30', '--cluster-store-opt', 'discovery.heartbeat=10'],
  ]
  const { cluster } = read(t, { file }).config
  assert.deepEqual(cluster?.etcd.endpoints, ['http://10.0.0.1:2379', 'http://10.0.0.2:2379'])
  assert.equal(cluster.advertise, 'eth0')
  assert.equal(cluster.ttlSeconds, 30)
  assert.deepEqual(read(t, { argv }).config.cluster, cluster)
  assert.throws(() => read(t, { argv: ['--cluster-advertise', 'eth0'] }), /need cluster-store/)
})

test('readConfig() looks for CDI devices nowhere when that is off, or its list is empty', (t) => {
  const dirs = (...argv: string[]): readonly string[] => read(t, { argv }).config.cdiSpecDirs
  assert.deepEqual(dirs(), ['/etc/cdi', '/var/run/cdi'])
  assert.deepEqual(dirs('--cdi-spec-dir', '/a', '--feature', 'cdi'), ['/a'])
  assert.deepEqual(dirs('--cdi-spec-dir='), [])
  assert.deepEqual(dirs('--cdi-spec-dir', '/a', '--feature', 'cdi=false'), [])
  assert.deepEqual(read(t, { file: { 'cdi-spec-dirs': [] } }).config.cdiSpecDirs, [])
})

test('readConfig() joins the file and flags, and knows graph', (t) => {
  const { config } = read(t, { file: { graph: '/srv/wharf/', labels: ['a=b'] }, argv: ['--debug'] })
  assert.equal(config.dataRoot, '/srv/wharf')
  assert.equal(config.logLevel, 'debug')
  assert.deepEqual(config.labels, ['a=b'])
})

test('readConfig() reports directives that are in both', (t) => {
  const given = { file: { debug: false, hosts: ['unix:///b'] }, argv: ['-D', '-H', 'unix:///a'] }
  assert.throws(() => read(t, given), {
    code: 'invalid_argument',
    message:
      /the following directives are specified both as a flag and in the configuration file: debug: \(from flag: true, from file: false\), hosts: \(from flag: \[unix:\/\/\/a\], from file: \[unix:\/\/\/b\]\)$/,
  })
})

for (const [name, file, argv, message] of [
  ['unknown keys', { foo: 1, bar: 2 }, [], /don't match any configuration option: foo, bar$/],
  ['broken JSON', '{"a"', [], /unable to configure the Docker daemon with file .*: invalid JSON/],
  ['a value of the wrong kind', { debug: 'yes' }, [], /invalid value for debug/],
  ['a list of the wrong kind', { hosts: [1] }, [], /invalid value for hosts/],
  ['what is not supported', { 'selinux-enabled': true }, [], /selinux-enabled is not supported/],
  ['containerd', {}, ['--containerd', '/x.sock'], /containerd is not supported/],
  ['a log level', {}, ['-l', 'loud'], /invalid log-level: loud/],
  ['a relative root', {}, ['--data-root', 'data'], /must be an absolute path/],
  ['TLS files without TLS', {}, ['--tlscert', '/x'], /neither --tls nor --tlsverify/],
  [
    'another cgroup driver',
    { 'exec-opts': ['native.cgroupdriver=none'] },
    [],
    /native.cgroupdriver option none not supported/,
  ],
  [
    'another option of execution',
    { 'exec-opts': ['native.umask=normal'] },
    [],
    /exec-opt native.umask=normal/,
  ],
] as const) {
  test(`readConfig() refuses ${name}`, (t) => {
    assert.throws(() => read(t, { file, argv }), { code: 'invalid_argument', message })
  })
}

test('readConfig() refuses a file that was named and is absent', () => {
  assert.throws(() => readConfig(parseCommandLine(['--config-file', '/nonexistent/x.json']), {}), {
    message: /open \/nonexistent\/x\.json: no such file or directory$/,
  })
})

test('readConfig() takes activated sockets only when they are for this process', (t) => {
  const mine = { LISTEN_FDS: '2', LISTEN_PID: String(process.pid) }
  assert.deepEqual(read(t, { environment: mine }).config.activationFds, [3, 4])
  const other = { LISTEN_FDS: '2', LISTEN_PID: '1' }
  assert.deepEqual(read(t, { environment: other }).config.activationFds, [])
})

test('readConfig() accepts what dockerd has by default of settings it refuses', (t) => {
  const { config } = read(t, { file: { iptables: true, ipv6: false, 'selinux-enabled': false } })
  assert.equal(config.bridge.name, 'wharf0')
})

test('readConfig() reads default-network-opts from the file and from flags alike', (t) => {
  const options = { bridge: { 'com.docker.network.driver.mtu': '1400', 'x.y': 'a=b' } }
  const flag = '--default-network-opt'
  const argv = [flag, 'bridge=com.docker.network.driver.mtu=1400', flag, 'bridge=x.y=a=b']
  assert.deepEqual(read(t, { file: { 'default-network-opts': options } }).config.networkDefaults, options)
  assert.deepEqual(read(t, { argv }).config.networkDefaults, options)
  assert.throws(() => read(t, { argv: [flag, 'bridge=mtu'] }), /invalid argument "bridge=mtu"/)
  assert.throws(
    () => read(t, { file: { 'default-network-opts': { bridge: { a: 1 } } } }),
    /invalid default-network-opts/,
  )
})

test('readConfig() checks addresses of the default bridge', (t) => {
  const { bridge } = read(t, {
    argv: ['--default-gateway', '10.0.0.1', '--default-gateway-v6=fd00::1'],
  }).config
  assert.deepEqual([bridge.gateway, bridge.gateway6], ['10.0.0.1', 'fd00::1'])
  assert.throws(
    () => read(t, { argv: ['--default-gateway', 'x'] }),
    /"--default-gateway" flag: x is not an ip address/,
  )
  assert.throws(() => read(t, { argv: ['--ip', 'x'] }), /"--ip" flag: x is not an ip address/)
})
