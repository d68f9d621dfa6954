import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { run } from '../../support/engine.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

const missing = existsSync('/usr/sbin/iptables-legacy') ? false : 'this machine has no iptables-legacy'

test('daemon.json: iptables, IPv6 of the default bridge, pools', { skip: missing }, async () => {
  const prefix = `fd${randomInt(16, 256).toString(16)}:${randomInt(0x1000, 0x10000).toString(16)}`
  const port = randomInt(20_000, 30_000)
  const wharfd = await Wharfd.startWithBusybox({
    config: {
      'firewall-backend': 'iptables-legacy',
      ipv6: true,
      'fixed-cidr-v6': `${prefix}::/64`,
      'default-address-pools': [{ base: '10.251.128.0/20', size: 28 }],
    },
  })
  try {
    assert.equal(await wharfd.ok('info', '-f', '{{.FirewallBackend.Driver}}'), 'iptables-legacy')
    await wharfd.ok('run', '-d', '--name', 'web', '-p', `${port}:80`, 'busybox', 'nc', '-ll', '-p', '80', '-e', 'echo', 'served') // prettier-ignore
    for (const host of ['127.0.0.1', '[::1]', `[${prefix}::1]`]) {
      await until(`${host} answers`, async () => {
        const { stdout } = await run([
          'curl',
          '-s',
          '--http0.9',
          '--max-time',
          '5',
          `http://${host}:${port}/`,
        ])
        return stdout === 'served\n'
      })
    }
    const address = '{{.NetworkSettings.Networks.bridge.GlobalIPv6Address}}'
    assert.equal(await wharfd.ok('inspect', '-f', address, 'web'), `${prefix}::2`)
    await wharfd.ok('network', 'create', 'pooled')
    const subnet = '{{(index .IPAM.Config 0).Subnet}}'
    assert.equal(await wharfd.ok('network', 'inspect', '-f', subnet, 'pooled'), '10.251.128.0/28')
    await wharfd.crash()
    const { stdout } = await run(['iptables-legacy-save', '-t', 'nat'])
    assert.match(stdout, new RegExp(`--dport ${port} -j DNAT`))
  } finally {
    await wharfd.stop()
  }
  assert.doesNotMatch((await run(['iptables-legacy-save'])).stdout, /WHARF/)
})
