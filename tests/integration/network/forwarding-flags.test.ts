import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { until } from '../../support/until.ts'
import { addressOf, NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

const FORWARD = '/proc/sys/net/ipv4/ip_forward'

test('ip-forward, ip-masq and mtu of the default bridge', async () => {
  await using root = new NetworkRoot()
  using outside = new Outside()
  const { defaultBridge } = root.options()
  root.change({ ipForward: false, defaultBridge: { ...defaultBridge, masquerade: false, mtu: 1400 } })
  const before = readFileSync(FORWARD, 'utf8')
  try {
    writeFileSync(FORWARD, '0')
    await root.open()
    assert.equal(readFileSync(FORWARD, 'utf8').trim(), '0')
    writeFileSync(FORWARD, '1')
    const a = await root.sandbox()
    assert.match(await root.run(a.netnsPath, 'ip', 'link', 'show', 'eth0'), / mtu 1400 /)
    assert.match(await root.run(null, 'ip', 'link', 'show', root.bridge), / mtu 1400 /)
    const port = randomInt(20_000, 30_000)
    const script = `require('net').createServer((s) => s.end(s.remoteAddress)).listen(${String(port)}, '0.0.0.0')`
    void root.run(outside.netnsPath, process.execPath, '-e', script)
    const seen = await until(
      'the peer answers',
      async () => (await root.reach(a.netnsPath, outside.there, port)) || null,
    )
    assert.equal(seen, addressOf(a, 'bridge'))
  } finally {
    writeFileSync(FORWARD, before)
  }
})
