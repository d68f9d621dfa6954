import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { addressOf, NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

const BRIDGE = 'com.docker.network.bridge.'

function testBackend(backend: 'nftables' | 'iptables-nft'): void {
  const root = new NetworkRoot({ firewallBackend: backend })
  const outside = new Outside()
  const port = randomInt(20_000, 30_000)
  const own = `10.${randomInt(200, 250)}.${randomInt(256)}.1`
  let isAdded = false
  after(async () => {
    if (isAdded) await root.run(null, 'ip', 'address', 'del', `${own}/32`, 'dev', 'lo')
    await root[Symbol.asyncDispose]()
    outside[Symbol.dispose]()
    if (backend === 'nftables') return
    // iptables-nft makes tables of its own and never takes them away.
    const tables = (await root.run(null, 'nft', 'list', 'tables')).split('\n')
    for (const table of tables.filter((line) => /^table ip6? (raw|nat|filter)$/.test(line))) {
      await root.run(null, 'nft', 'delete', ...table.split(' '))
    }
  })
  const bindings = (...hostPorts: readonly number[]) => ({
    portBindings: {
      '80/tcp': hostPorts.map((hostPort) => ({ HostIp: '0.0.0.0', HostPort: String(hostPort) })),
    },
  })

  test('trusted_host_interfaces: published ports at the container’s address, from these links only', async () => {
    await root.open()
    const link = /dev (\S+)/.exec(await root.run(null, 'ip', 'route', 'get', outside.there))?.[1] ?? ''
    for (const [name, links] of [
      ['trusting', `none0:${link}`],
      ['wary', 'none0:none1'],
    ] as const) {
      await root.networks.create({ Name: name, Options: { [`${BRIDGE}trusted_host_interfaces`]: links } })
    }
    const a = await root.sandbox({ network: 'trusting', more: bindings(port, port + 1) })
    const b = await root.sandbox({ network: 'wary', more: bindings(port + 2) })
    for (const { netnsPath } of [a, b]) await root.serve(netnsPath, 80, 'published')
    await root.serve(a.netnsPath, 81, 'other')
    await root.answers('published', outside.netnsPath, addressOf(a, 'trusting'), 80)
    await root.answers('published', outside.netnsPath, outside.here, port + 1)
    assert.equal(await root.reach(outside.netnsPath, addressOf(a, 'trusting'), 81), '')
    assert.equal(await root.reach(outside.netnsPath, addressOf(b, 'wary'), 80), '')
    await root.networks.release(a.id)
    await root.networks.release(b.id)
  })

  test('host_ipv4: containers reach other hosts with this address', async () => {
    await root.run(null, 'ip', 'address', 'add', `${own}/32`, 'dev', 'lo')
    isAdded = true
    await root.networks.create({ Name: 'sourced', Options: { 'com.docker.network.host_ipv4': own } })
    const { id, netnsPath } = await root.sandbox({ network: 'sourced' })
    const serverPort = randomInt(20_000, 30_000)
    const script = `require('net').createServer((s) => s.end(s.remoteAddress)).listen(${String(serverPort)}, '0.0.0.0')`
    void root.run(outside.netnsPath, process.execPath, '-e', script)
    const seen = await until(
      'the peer answers',
      async () => (await root.reach(netnsPath, outside.there, serverPort)) || null,
    )
    assert.equal(seen, own)
    await root.networks.release(id)
  })

  test('allow-direct-routing: published ports at the container’s address, from everywhere', async () => {
    await root.close()
    root.change({ allowDirectRouting: true })
    await root.open()
    const { id, netnsPath, ...sandbox } = await root.sandbox({ more: bindings(port, port + 1) })
    const address = sandbox.endpoints['bridge']?.IPAddress ?? ''
    await root.serve(netnsPath, 80, 'published')
    await root.serve(netnsPath, 81, 'other')
    await root.answers('published', outside.netnsPath, address, 80)
    await root.answers('published', outside.netnsPath, outside.here, port)
    assert.equal(await root.reach(outside.netnsPath, address, 81), '')
    await root.networks.release(id)
  })
}

describe('direct routing, nftables', () => testBackend('nftables'))
const missing = existsSync('/usr/sbin/iptables-nft-restore') ? false : 'this machine has no iptables-nft'
describe('direct routing, iptables-nft', { skip: missing }, () => {
  testBackend('iptables-nft')
})
