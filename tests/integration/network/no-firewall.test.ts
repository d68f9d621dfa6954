import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { run } from '../../support/engine.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

async function answers(text: string, address: string): Promise<void> {
  await until(`${address} answers`, async () => {
    const { stdout } = await run(['curl', '-s', '--http0.9', '--max-time', '5', `http://${address}/`])
    return stdout === `${text}\n`
  })
}

async function hasTable(wharfd: Wharfd): Promise<boolean> {
  const { stdout } = await run(['nft', 'list', 'tables'])
  return stdout.includes(`inet wharf_${wharfd.bridge}\n`)
}

test('iptables and ip6tables off: no rules, published ports all the same, also after a restart', async () => {
  const port = randomInt(20_000, 30_000)
  const off = { iptables: false, ip6tables: false }
  const wharfd = await Wharfd.startWithBusybox({ config: off })
  try {
    assert.equal(await hasTable(wharfd), false)
    const routesLoopback = (): string =>
      readFileSync(`/proc/sys/net/ipv4/conf/${wharfd.bridge}/route_localnet`, 'utf8').trim()
    assert.equal(routesLoopback(), '0')
    const serve = ['nc', '-ll', '-p', '80', '-e', 'echo', 'served']
    await wharfd.ok('run', '-d', '--name', 'web', '-p', `${port}:80`, 'busybox', ...serve)
    const published = (await wharfd.ok('port', 'web')).split('\n')
    assert.deepEqual(published, [`80/tcp -> 0.0.0.0:${port}`, `80/tcp -> [::]:${port}`])
    const hosts = ['127.0.0.1', '[::1]', wharfd.gateway]
    for (const host of hosts) await answers('served', `${host}:${port}`)
    const fromInside = ['run', '--rm', 'busybox', 'nc', '-w', '5', wharfd.gateway, String(port)]
    assert.equal(await wharfd.ok(...fromInside), 'served')
    await wharfd.crash()
    for (const host of hosts) await answers('served', `${host}:${port}`)
    await wharfd.terminate()
    await wharfd.restart({ config: {} })
    assert.deepEqual([await hasTable(wharfd), routesLoopback()], [true, '1'])
    for (const host of hosts) await answers('served', `${host}:${port}`)
    await wharfd.terminate()
    await wharfd.restart({ config: off })
    assert.deepEqual([await hasTable(wharfd), routesLoopback()], [false, '0'])
    for (const host of hosts) await answers('served', `${host}:${port}`)
  } finally {
    await wharfd.stop()
  }
})

test('iptables off alone: IPv6 has rules, IPv4 none', async () => {
  const port = randomInt(20_000, 30_000)
  const wharfd = await Wharfd.startWithBusybox({ config: { iptables: false } })
  try {
    await wharfd.ok(
      'run',
      '-d',
      '-p',
      `${port}:80`,
      'busybox',
      'nc',
      '-ll',
      '-p',
      '80',
      '-e',
      'echo',
      'served',
    )
    await answers('served', `127.0.0.1:${port}`)
    const { stdout } = await run(['nft', 'list', 'table', 'inet', `wharf_${wharfd.bridge}`])
    assert.match(stdout, /meta nfproto ipv4 accept/)
    assert.doesNotMatch(stdout, /elements = \{[^}]*\d+\.\d+\.\d+\.\d+/)
  } finally {
    await wharfd.stop()
  }
})

test('bridge "none": containers that ask for no network have none', async () => {
  const wharfd = await Wharfd.startWithBusybox({ flags: ['--bridge', 'none'] })
  try {
    assert.deepEqual((await wharfd.ok('network', 'ls', '--format', '{{.Name}}')).split('\n').sort(), [
      'host',
      'none',
    ])
    for (const asked of [[], ['-p', '80'], ['--network', 'bridge']])
      assert.equal(await wharfd.ok('run', '--rm', ...asked, 'busybox', 'ls', '/sys/class/net'), 'lo')
    await wharfd.ok('network', 'create', 'own')
    assert.match(
      await wharfd.ok('run', '--rm', '--network', 'own', 'busybox', 'ls', '/sys/class/net'),
      /eth0/,
    )
    await wharfd.ok('create', '--name', 'later', 'busybox', 'ls', '/sys/class/net')
    await wharfd.ok('network', 'connect', 'own', 'later')
    assert.match(await wharfd.ok('start', '-a', 'later'), /eth0/)
  } finally {
    await wharfd.stop()
  }
})
