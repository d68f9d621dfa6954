import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { isAtLeast, parseCniConfig } from './cni-config.ts'
import { readCniResult } from './cni-result.ts'

test('a list, and one plugin as a list of one', () => {
  const list = parseCniConfig(
    '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"bridge","x":1},{"type":"portmap"}]}',
  )
  assert.deepEqual(list.plugins, [{ type: 'bridge', x: 1 }, { type: 'portmap' }])
  const one = parseCniConfig('{"cniVersion":"0.4.0","name":"n","type":"ptp"}')
  assert.deepEqual([one.plugins.length, one.plugins[0]?.type], [1, 'ptp'])
  assert.deepEqual([isAtLeast('1.0.0', '0.4.0'), isAtLeast('0.3.1', '0.4.0')], [true, false])
})

for (const text of [
  '', '[]', '{}', '{"name":"n"}', '{"name":"../n","type":"x"}', '{"name":"n","type":"../x"}',
  '{"name":"n","plugins":[]}', '{"name":"n","plugins":[{}]}', '{"name":"n","type":"x","cniVersion":"9"}',
]) {
  test(`parseCniConfig() refuses ${text}`, () => assert.throws(() => parseCniConfig(text), InvalidArgumentError))
} // prettier-ignore

test('readCniResult() finds addresses, the link inside, and where the default route leads', () => {
  const result = {
    interfaces: [{ name: 'veth1' }, { name: 'eth0', mac: '02:00:00:00:00:01', sandbox: '/x' }],
    ips: [{ address: '10.1.0.5/24', gateway: '10.1.0.1' }, { address: 'fd00::5/64' }],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  assert.deepEqual(readCniResult(result, 'eth0'), {
    mac: '02:00:00:00:00:01',
    ipv4: '10.1.0.5',
    ipv6: 'fd00::5',
    foreign: { link: null, gateways: { 4: '10.1.0.1', 6: null }, prefixes: { 4: 24, 6: 64 }, routes: [] },
  })
  for (const wrong of [null, 1, { ips: 7 }, { ips: [{ address: 'x' }] }, { ips: [{ address: '1.2.3.4' }] }]) {
    assert.throws(() => readCniResult(wrong, 'eth0'), InvalidArgumentError)
  }
})
