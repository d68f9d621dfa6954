import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import { addressOf, NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

const root = new NetworkRoot()
let outside: Outside
const port = randomInt(15_000, 20_000)
const GATEWAY_MODE = 'com.docker.network.bridge.gateway_mode_ipv'

before(async () => {
  outside = new Outside()
  await root.open()
})
after(async () => {
  await root[Symbol.asyncDispose]()
  outside[Symbol.dispose]()
})

const bindings = (hostPort: number): { portBindings: Record<string, { HostPort: string }[]> } => ({
  portBindings: { '80/tcp': [{ HostPort: String(hostPort) }] },
})

test('nat-unprotected: others reach every port at the container’s address', async () => {
  await root.networks.create({ Name: 'open', Options: { [`${GATEWAY_MODE}4`]: 'nat-unprotected' } })
  const a = await root.sandbox({ network: 'open', more: bindings(port) })
  await root.serve(a.netnsPath, 80, 'published')
  await root.serve(a.netnsPath, 81, 'other')
  await root.answers('published', outside.netnsPath, outside.here, port)
  await root.answers('other', outside.netnsPath, addressOf(a, 'open'), 81)
})

test('routed: others reach published ports at the container’s address, without NAT, and nothing else', async () => {
  await root.networks.create({ Name: 'routed', Options: { [`${GATEWAY_MODE}4`]: 'routed' } })
  const a = await root.sandbox({ network: 'routed', more: bindings(port + 1) })
  await root.serve(a.netnsPath, 80, 'published')
  await root.serve(a.netnsPath, 81, 'other')
  await root.answers('published', outside.netnsPath, addressOf(a, 'routed'), 80)
  assert.equal(await root.reach(outside.netnsPath, addressOf(a, 'routed'), 81), '')
  assert.equal(await root.reach(outside.netnsPath, outside.here, port + 1), '')
})

test('isolated: the host has no address on the network', async () => {
  await assert.rejects(
    root.networks.create({ Name: 'lone', Options: { [`${GATEWAY_MODE}4`]: 'isolated' } }),
    {
      code: 'invalid_argument',
      message: /internal/,
    },
  )
  await root.networks.create({ Name: 'lone', Internal: true, Options: { [`${GATEWAY_MODE}4`]: 'isolated' } })
  const a = await root.sandbox({ network: 'lone' })
  const b = await root.sandbox({ network: 'lone' })
  await root.serve(a.netnsPath, 80, 'between us')
  await root.answers('between us', b.netnsPath, addressOf(a, 'lone'), 80)
  assert.equal(await root.reach(null, addressOf(a, 'lone'), 80), '')
})

test('a network with IPv6 only', async () => {
  await root.networks.create({ Name: 'onlysix', EnableIPv4: false, EnableIPv6: true })
  const a = await root.sandbox({ network: 'onlysix', more: bindings(port + 2) })
  const b = await root.sandbox({ name: 'six-b', network: 'onlysix' })
  assert.equal(a.endpoints['onlysix']?.IPAddress, '')
  assert.deepEqual(a.ports['80/tcp'], [{ HostIp: '::', HostPort: String(port + 2) }])
  await root.serve(a.netnsPath, 80, 'six')
  await root.answers('six', b.netnsPath, a.endpoints['onlysix']?.GlobalIPv6Address ?? '', 80)
  await root.answers('six', null, '::1', port + 2)
  assert.match(await root.run(a.netnsPath, 'ip', '-6', 'route', 'show', 'default'), /^default via fd/)
})

test('a network that does not masquerade shows its containers as they are', async () => {
  await root.networks.create({
    Name: 'bare',
    Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
  })
  const a = await root.sandbox({ network: 'bare' })
  const masked = await root.sandbox()
  const peer = async (netns: string | null): Promise<string> => {
    const serverPort = randomInt(20_000, 30_000)
    const script = `require('net').createServer((s) => s.end(s.remoteAddress)).listen(${String(serverPort)}, '0.0.0.0')`
    void root.run(outside.netnsPath, process.execPath, '-e', script)
    return await until(
      'the peer answers',
      async () => (await root.reach(netns, outside.there, serverPort)) || null,
    )
  }
  assert.equal(await peer(a.netnsPath), addressOf(a, 'bare'))
  assert.equal(await peer(masked.netnsPath), outside.here)
})

test('the chain `user` comes first and survives', async () => {
  const table = ['inet', `wharf_${root.bridge}`]
  const a = await root.sandbox({ more: bindings(port + 3) })
  await root.serve(a.netnsPath, 80, 'seen')
  await root.answers('seen', outside.netnsPath, outside.here, port + 3)
  await root.run(null, 'nft', 'add', 'rule', ...table, 'user', 'ip', 'saddr', outside.there, 'drop')
  assert.equal(await root.reach(outside.netnsPath, outside.here, port + 3), '')
  await root.close()
  await root.open([a.id])
  assert.match(await root.run(null, 'nft', 'list', 'chain', ...table, 'user'), /drop/)
  await root.answers('seen', null, '127.0.0.1', port + 3)
  await root.run(null, 'nft', 'flush', 'chain', ...table, 'user')
})

test('rules of the chain `user` are back after the table was taken away, and after the daemon took it away', async () => {
  const table = ['inet', `wharf_${root.bridge}`]
  const chain = (): Promise<string> => root.run(null, 'nft', 'list', 'chain', ...table, 'user')
  await root.run(null, 'nft', 'add', 'rule', ...table, 'user', 'ip saddr { 203.0.113.1, 203.0.113.7 } tcp dport 80 counter drop comment "mine"') // prettier-ignore
  const kept = `${root.root}/run/firewall-user-rules.nft`
  await until('the rules are kept', () => existsSync(kept) && readFileSync(kept, 'utf8').includes('mine'))
  await root.run(null, 'nft', 'delete', 'table', ...table)
  await until('the rules are back', async () =>
    /203.0.113.1, 203.0.113.7 .*drop comment "mine"/.test(await chain()),
  )
  // A host's own firewall is loaded: it flushes everything, and has rules for this chain of its own.
  await root.run(null, 'nft', `flush table ${table.join(' ')}; delete table ${table.join(' ')}; add table ${table.join(' ')}; add chain ${table.join(' ')} user; add rule ${table.join(' ')} user ip saddr 203.0.113.9 drop`) // prettier-ignore
  await until('the rest is back', async () =>
    (await root.run(null, 'nft', 'list', 'table', ...table)).includes('chain forward'),
  )
  assert.match(await chain(), /203.0.113.9 drop/)
  assert.doesNotMatch(await chain(), /mine/)
  await until('they are kept', () => readFileSync(kept, 'utf8').includes('203.0.113.9'))
  const elsewhere = new NetworkRoot()
  await elsewhere.open()
  const other = ['inet', `wharf_${elsewhere.bridge}`]
  await elsewhere.run(null, 'nft', 'add', 'rule', ...other, 'user', 'ip saddr 203.0.113.3 drop')
  await elsewhere.close()
  await elsewhere.open()
  assert.match(await elsewhere.run(null, 'nft', 'list', 'chain', ...other, 'user'), /203.0.113.3 drop/)
  await elsewhere[Symbol.asyncDispose]()
  await root.run(null, 'nft', 'flush', 'chain', ...table, 'user')
  await until('nothing is kept', () => !existsSync(kept))
})

test('a rule of ours that somebody deletes is back', async () => {
  const table = ['inet', `wharf_${root.bridge}`]
  await root.run(null, 'nft', 'flush', 'chain', ...table, 'to_container')
  await until('the rules are back', async () =>
    (await root.run(null, 'nft', 'list', 'chain', ...table, 'to_container')).includes('drop'),
  )
})

test('UDP: a client that never pauses reaches the new owner of the port', async () => {
  const udp = { portBindings: { '90/udp': [{ HostPort: String(port + 4) }] } }
  const answer = (netns: string | null, text: string): void => {
    const script = `const s = require('dgram').createSocket('udp4'); s.on('message', (_, p) => s.send('${text}', p.port, p.address)); s.bind(90)`
    void root.run(netns, process.execPath, '-e', script)
  }
  const client = `
    const s = require('dgram').createSocket('udp4'); s.bind(40404); const seen = new Set()
    s.on('message', (m) => { seen.add(String(m)); if (seen.has('second')) { console.log([...seen].join()); process.exit() } })
    setInterval(() => s.send('?', ${String(port + 4)}, '${outside.here}'), 20)
    setTimeout(() => { console.log([...seen].join() + ' only'); process.exit() }, 40000)`
  const a = await root.sandbox({ more: udp })
  answer(a.netnsPath, 'first')
  const said = root.run(outside.netnsPath, process.execPath, '-e', client)
  const probe = `const s = require('dgram').createSocket('udp4'); s.on('message', () => { console.log('up'); process.exit() }); setInterval(() => s.send('?', ${String(port + 4)}, '127.0.0.1'), 20); setTimeout(() => process.exit(), 20000)`
  assert.match(await root.run(null, process.execPath, '-e', probe), /up/)
  await root.networks.release(a.id)
  await root.sandbox() // It gets the address, so the port's new owner has another.
  const b = await root.sandbox({ more: udp })
  answer(b.netnsPath, 'second')
  assert.match(await said, /second$/m)
})

test('UDP at IPv6 loopback reaches a container with IPv4 only', async () => {
  const a = await root.sandbox({ more: { portBindings: { '90/udp': [{ HostPort: String(port + 5) }] } } })
  assert.deepEqual(
    a.ports['90/udp']?.map(({ HostIp }) => HostIp),
    ['0.0.0.0', '::'],
  )
  const server = `const s = require('dgram').createSocket('udp4'); s.on('message', (m, p) => s.send('echo ' + m, p.port, p.address)); s.bind(90)`
  void root.run(a.netnsPath, process.execPath, '-e', server)
  const client = `const s = require('dgram').createSocket('udp6'); s.on('message', (m) => { console.log(String(m)); process.exit() }); setInterval(() => s.send('six', ${String(port + 5)}, '::1'), 50); setTimeout(() => process.exit(), 40000)`
  assert.equal(await root.run(null, process.execPath, '-e', client), 'echo six\n')
})
