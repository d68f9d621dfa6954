import assert from 'node:assert/strict'
import { closeSync, existsSync, readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { ALL_OTHERS, Neighbours } from '#kernel/netlink/neighbours.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { createNetns, homeNetns, inNetns, openNetns, removeNetns } from '#kernel/netns.ts'
import { applyRuleset, NftTable, type SetElement } from '#kernel/nftables.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const root = scratchDirectory('nl')
const path = `${root}/netns`
createNetns(path, () => {})
const fd = openNetns(path)
after(() => {
  closeSync(fd)
  removeNetns(path)
})

/** A client inside the test's own namespace: nothing of the machine is touched. */
function inside(): Rtnetlink {
  return inNetns(fd, () => new Rtnetlink())
}

test('createNetns() leaves nothing when the preparation fails, and comes back', () => {
  const before = readFileSync('/proc/thread-self/mountinfo', 'utf8')
  const failing = `${root}/failing`
  assert.throws(() => createNetns(failing, () => { throw new Error('no') }), /no/) // prettier-ignore
  assert.ok(!existsSync(failing))
  assert.equal(readFileSync('/proc/thread-self/mountinfo', 'utf8'), before)
  assert.throws(() => inNetns(fd, () => Promise.resolve()), /must not wait/)
  assert.ok(inNetns(homeNetns(), () => true))
  removeNetns(failing)
})

test('links: bridge, veth, macvlan, vxlan; rename, MTU, master, alias, deletion', () => {
  using netlink = inside()
  netlink.addLink('br', { kind: 'bridge' }, { mac: '02:42:00:00:00:01', up: true })
  const bridge = netlink.link('br')
  assert.deepEqual([bridge.kind, bridge.mac, bridge.up], ['bridge', '02:42:00:00:00:01', true])
  netlink.addLink(
    'va',
    { kind: 'veth', peer: { name: 'vb', mtu: 1400 } },
    { master: bridge.index, mtu: 1400, up: true },
  )
  assert.equal(netlink.link('va').master, bridge.index)
  assert.equal(netlink.link('vb').mtu, 1400)
  netlink.setLink(netlink.link('vb').index, { name: 'vc', alias: 'mine', up: true })
  assert.equal(netlink.link('vc').alias, 'mine')
  netlink.setBridgePort(netlink.link('va').index, { hairpin: true, isolated: true })
  netlink.addLink('mv', { kind: 'macvlan', parent: netlink.link('vc').index, mode: 'bridge' })
  assert.equal(netlink.link('mv').parent, netlink.link('vc').index)
  netlink.addLink('vx', { kind: 'vxlan', id: 77, port: 4789, local: '127.0.0.1' }, { up: true })
  assert.throws(() => netlink.addLink('br', { kind: 'bridge' }), { errno: 'EEXIST' })
  for (const name of ['vx', 'mv', 'va', 'br']) netlink.deleteLink(name)
  assert.throws(() => netlink.link('vc'), { errno: 'ENODEV' })
})

test('addresses and routes of both families', () => {
  using netlink = inside()
  netlink.addLink('wire', { kind: 'veth', peer: { name: 'other' } }, { up: true })
  const { index } = netlink.link('wire')
  netlink.setLink(netlink.link('other').index, { up: true })
  netlink.addAddress(index, '10.1.2.3', 24)
  netlink.addAddress(index, 'fd00:7::3', 64)
  const mine = netlink
    .addresses()
    .filter((entry) => entry.index === index && !entry.address.startsWith('fe80'))
  assert.deepEqual(mine, [
    { index, address: '10.1.2.3', prefix: 24 },
    { index, address: 'fd00:7::3', prefix: 64 },
  ])
  netlink.addRoute({ family: 4, gateway: '10.1.2.1', index })
  netlink.addRoute({ family: 6, gateway: 'fd00:7::1', index })
  netlink.addRoute({ family: 4, gateway: '10.1.2.2', index, replace: true })
  netlink.addRoute({ family: 4, destination: { address: '10.9.0.0', prefix: 16 }, index })
  const byDestination = new Map(netlink.routes(4).map((route) => [route.destination, route]))
  assert.equal(byDestination.get(null)?.gateway, '10.1.2.2')
  assert.equal(byDestination.get('10.9.0.0')?.prefix, 16)
  assert.equal(netlink.routes(6).find((route) => route.destination === null)?.gateway, 'fd00:7::1')
  netlink.deleteDefaultRoute(4)
  assert.throws(() => netlink.deleteDefaultRoute(4), { errno: 'ESRCH' })
  netlink.deleteAddress(index, '10.1.2.3', 24)
  netlink.deleteLink('wire')
})

test('neighbours of both families, and where a VXLAN sends frames', () => {
  using netlink = inside()
  using neighbours = inNetns(fd, () => new Neighbours())
  netlink.addLink('nb', { kind: 'bridge' }, { up: true })
  netlink.addLink('vx', { kind: 'vxlan', id: 78, port: 4789, local: '127.0.0.1' }, { up: true })
  const bridge = netlink.link('nb').index
  const { index } = netlink.link('vx')
  netlink.setLink(index, { master: bridge })
  netlink.setBridgePort(index, { learns: false, answersNeighbours: true })
  const known = [
    { index: bridge, address: '10.1.2.9', mac: '02:00:00:00:00:09' },
    { index: bridge, address: 'fd00:7::9', mac: '02:00:00:00:00:09' },
  ]
  for (const entry of known) neighbours.set(entry)
  assert.deepEqual(neighbours.list(bridge), known)
  for (const entry of known) neighbours.delete(entry)
  assert.deepEqual(neighbours.list(bridge), [])
  const one = { index, mac: '02:00:00:00:00:09', remote: '127.0.0.2' }
  const all = [
    { index, mac: ALL_OTHERS, remote: '127.0.0.2' },
    { index, mac: ALL_OTHERS, remote: '127.0.0.3' },
  ]
  for (const entry of [one, ...all]) neighbours.setForwarding(entry)
  neighbours.setForwarding({ ...one, remote: '127.0.0.3' })
  const byText = (entries: readonly object[]): string[] =>
    entries.map((entry) => JSON.stringify(entry)).toSorted()
  assert.deepEqual(byText(neighbours.forwardings(index)), byText([{ ...one, remote: '127.0.0.3' }, ...all]))
  for (const entry of neighbours.forwardings(index)) neighbours.deleteForwarding(entry)
  assert.deepEqual(neighbours.forwardings(index), [])
  for (const name of ['vx', 'nb']) netlink.deleteLink(name)
})

test('a link is deleted off the thread, in the namespace of its client', async () => {
  using netlink = inside()
  netlink.addLink('gone', { kind: 'bridge' })
  await inside().deleteLinkAndClose('gone')
  assert.throws(() => netlink.link('gone'), { errno: 'ENODEV' })
})

test('elements of nft maps: added, replaced, removed, all or none', async () => {
  // nft inherits the namespace of the thread at the moment that it is spawned.
  await inNetns(fd, () => ({
    done: applyRuleset(
      'add table inet t\nadd map inet t m { type inet_service : ipv4_addr; }\nadd chain inet t c\nadd rule inet t c drop\n',
    ),
  })).done
  using table = inNetns(fd, () => new NftTable('t'))
  using missing = inNetns(fd, () => new NftTable('missing'))
  assert.deepEqual([table.hasChain('c'), table.hasChain('d'), missing.hasChain('c')], [true, false, false])
  assert.deepEqual([table.rules('c').length, table.rules().length, missing.rules().length], [1, 1, 0])
  const element = (port: number, last: number): SetElement => ({
    set: 'm',
    key: Buffer.from([port >> 8, port & 255]),
    value: Buffer.from([10, 0, 0, last]),
  })
  const generation = table.generation()
  table.add([element(80, 1), element(81, 1)])
  table.add([element(80, 1)])
  assert.notEqual(table.generation(), generation)
  assert.throws(() => table.add([element(82, 1), element(80, 2)]), { errno: 'EEXIST' })
  table.remove([element(99, 1), element(80, 1)])
  table.add([element(80, 2), element(82, 2)])
  table.replace(['m'], [element(80, 3)])
  table.add([element(81, 9)])
  assert.throws(() => table.add([element(80, 2)]), { errno: 'EEXIST' })
  const many = Array.from({ length: 3000 }, (_, index) => element(1000 + index, 4))
  table.add(many)
  table.remove(many)
  assert.throws(() => missing.add([element(1, 1)]), { errno: 'ENOENT' })
  await assert.rejects(applyRuleset('add nonsense'), {
    code: 'unavailable',
    message: /nft refused the ruleset: .*syntax error/,
  })
})
