import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Wharfd } from '../../support/wharfd.ts'

describe('what daemon.json says of containers', () => {
  let daemon: Wharfd | null = null
  const inside = (...args: readonly string[]): Promise<string> =>
    (daemon as Wharfd).ok('run', '--rm', ...args)

  before(async () => {
    daemon = await Wharfd.startWithBusybox({
      config: {
        'default-ulimits': {
          nofile: { Name: 'nofile', Soft: 512, Hard: 1024 },
          nproc: { Name: 'nproc', Soft: 100000000, Hard: 100000000 },
        },
        'no-new-privileges': true,
        'default-shm-size': '8M',
        'log-opts': { 'max-size': '1m' },
        dns: ['192.0.2.53'],
        'dns-search': ['example.test'],
        'default-address-pools': [{ base: '10.251.0.0/16', size: 24 }],
        labels: ['role=test'],
      },
    })
  })
  after(async () => {
    await daemon?.stop()
  })

  test('ulimits are set, made to fit, and give way to those of the container', async () => {
    assert.equal(await inside('busybox', 'sh', '-c', 'ulimit -n; ulimit -Hn'), '512\n1024')
    assert.equal(await inside('--ulimit', 'nofile=600:700', 'busybox', 'sh', '-c', 'ulimit -n'), '600')
  })

  test('no-new-privileges is set unless the container says otherwise', async () => {
    const grep = ['busybox', 'grep', 'NoNewPrivs', '/proc/self/status']
    assert.match(await inside(...grep), /1$/)
    assert.match(await inside('--security-opt', 'no-new-privileges=false', ...grep), /0$/)
  })

  test('/dev/shm has its size', async () => {
    assert.match(await inside('busybox', 'df', '-k', '/dev/shm'), / 8192 /)
  })

  test('names are resolved where it says', async () => {
    const text = await inside('busybox', 'cat', '/etc/resolv.conf')
    assert.match(text, /^nameserver 192\.0\.2\.53$/m)
    assert.match(text, /^search example\.test$/m)
  })

  test('new networks get their subnet from the pool, new containers their log options', async () => {
    const engine = daemon as Wharfd
    await engine.ok('network', 'create', 'pooled')
    const format = '{{(index .IPAM.Config 0).Subnet}}'
    assert.match(await engine.ok('network', 'inspect', '-f', format, 'pooled'), /^10\.251\.\d+\.0\/24$/)
    await engine.ok('create', '--name', 'logged', 'busybox')
    const config = await engine.ok('inspect', '-f', '{{json .HostConfig.LogConfig}}', 'logged')
    assert.deepEqual(JSON.parse(config), { Type: 'json-file', Config: { 'max-size': '1m' } })
  })

  test('labels are shown', async () => {
    assert.equal(await (daemon as Wharfd).ok('info', '--format', '{{json .Labels}}'), '["role=test"]')
  })
})
