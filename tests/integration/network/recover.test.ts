import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { after, test } from 'node:test'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { until } from '../../support/until.ts'
import { makeAndDie } from './make-and-die.ts'
import { NetworkRoot } from './network-root.ts'

const port = randomInt(20_000, 30_000)

function veths(bridge: string): number {
  using netlink = new Rtnetlink()
  const found = netlink.links()
  const index = found.find((link) => link.name === bridge)?.index
  return found.filter((link) => link.master === index && index !== undefined && link.up).length
}

test('after a death by SIGKILL what ran goes on, what did not is swept, and nothing is left in the end', async () => {
  const root = new NetworkRoot()
  after(() => root[Symbol.asyncDispose]())
  const { ids, netns } = await makeAndDie(root, { port })
  const [running = '', dead = ''] = ids
  await root.serve(netns[0] ?? '', 80, 'still-here')
  await root.answers('still-here', null, '127.0.0.1', port)
  await root.open([running])
  await root.answers('still-here', null, '127.0.0.1', port)
  await root.answers('still-here', null, '::1', port)
  assert.notEqual(root.networks.describe(running), null)
  assert.equal(root.networks.describe(dead), null)
  assert.equal(veths(root.bridge), 1)
  await assert.rejects(
    root.sandbox({ more: { portBindings: { '80/tcp': [{ HostPort: String(port) }] } } }),
    /already allocated/,
  )
  await root.networks.release(running)
  assert.equal(veths(root.bridge), 0)
  assert.deepEqual(readdirSync(`${root.root}/run/netns`), [])
})

for (const point of [
  'network.sandbox.recorded',
  'network.sandbox.netns-made',
  'network.sandbox.attached',
  'network.sandbox.ports-recorded',
]) {
  test(`a death at ${point} leaves nothing after the next start`, async () => {
    const root = new NetworkRoot()
    after(() => root[Symbol.asyncDispose]())
    await makeAndDie(root, { port, failpoints: `${point}=1*kill` })
    const networks = await root.open([])
    assert.deepEqual(Object.keys(networks.inspect('bridge').Containers), [])
    assert.equal(veths(root.bridge), 0)
    assert.deepEqual(readdirSync(`${root.root}/run/netns`), [])
    const again = await root.sandbox({ more: { portBindings: { '80/tcp': [{ HostPort: String(port) }] } } })
    assert.equal(again.endpoints['bridge']?.IPAddress, root.bip.replace('.1/24', '.2'))
  })
}

test('close() takes bridge and firewall away when nothing runs', async () => {
  const root = new NetworkRoot()
  await root.open()
  await root.networks.create({ Name: 'gone' })
  await root.close()
  using netlink = new Rtnetlink()
  assert.ok(!netlink.links().some((link) => link.name === root.bridge))
  const tables = await root.run(null, 'nft', 'list', 'tables')
  assert.ok(!tables.includes(`wharf_${root.bridge}`))
  await root.open()
  assert.equal(root.networks.inspect('gone').Name, 'gone')
  await root[Symbol.asyncDispose]()
})

test('a bridge that somebody deleted is back after a restart, with the containers on it; forgotten ones go', async () => {
  const root = new NetworkRoot()
  after(() => root[Symbol.asyncDispose]())
  await root.open()
  const a = await root.sandbox()
  const b = await root.sandbox()
  await root.serve(a.netnsPath, 80, 'again')
  await root.close()
  using netlink = new Rtnetlink()
  netlink.deleteLink(root.bridge)
  const orphan = `${root.bridge}o`
  netlink.addLink(orphan, { kind: 'bridge' })
  netlink.setLink(netlink.link(orphan).index, { alias: `wharf ${root.bridge} 0123456789ab` })
  await root.open([a.id, b.id])
  await root.answers('again', null, a.endpoints['bridge']?.IPAddress ?? '', 80)
  await root.answers('again', b.netnsPath, a.endpoints['bridge']?.IPAddress ?? '', 80)
  await until('the orphan is gone', () => !netlink.links().some((link) => link.name === orphan))
})

test('a firewall table of an older shape gives way', async () => {
  const root = new NetworkRoot()
  after(() => root[Symbol.asyncDispose]())
  const table = `wharf_${root.bridge}`
  await root.run(null, 'nft', `add table inet ${table}; add set inet ${table} bridges { type ipv4_addr; }`)
  await root.open()
  assert.match(
    await root.run(null, 'nft', 'list', 'set', 'inet', table, 'bridges'),
    new RegExp(`"${root.bridge}"`),
  )
})
