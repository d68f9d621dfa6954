import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { decode, encode } from 'dns-packet'
import { addressOf, NetworkRoot } from './network-root.ts'
import { until } from '../../support/until.ts'

const upstreamAddress = `127.${String(randomInt(1, 255))}.${String(randomInt(1, 255))}.${String(randomInt(1, 255))}`
const root = new NetworkRoot({ dns: { servers: [upstreamAddress], search: [], options: [] } })
const upstream = createSocket('udp4')
let asked = 0

before(async () => {
  upstream.on('message', (bytes, peer) => {
    asked += 1
    const query = decode(bytes)
    const [question] = query.questions ?? []
    const known = question?.name === 'world.example' && question.type === 'A'
    const answer = encode({
      type: 'response',
      id: query.id ?? 0,
      flags: known ? 0 : 3,
      questions: query.questions ?? [],
      answers: known ? [{ name: 'world.example', type: 'A', ttl: 60, data: '192.0.2.77' }] : [],
    })
    upstream.send(answer, peer.port, peer.address)
  })
  await new Promise<void>((resolve) => upstream.bind(53, upstreamAddress, resolve))
  await root.open()
  await root.networks.create({ Name: 'names', EnableIPv6: true })
})
after(async () => {
  upstream.close()
  await root[Symbol.asyncDispose]()
})

const look = (netns: string | null, name: string, ...type: string[]): Promise<string> =>
  root.run(netns, 'busybox', 'nslookup', ...type, name, '127.0.0.11')
const addresses = (said: string): string[] =>
  [...said.replace(/^[\s\S]*?:53\n/, '').matchAll(/^Address: (\S+)/gm)]
    .map(([, address]) => address ?? '')
    .sort()

test('names, aliases, short ids, full names; both families', async () => {
  const asker = await root.sandbox({ network: 'names' })
  const a = await root.sandbox({
    name: 'alpha',
    network: { names: { Aliases: ['web', 'Web2'] } },
    more: { hostname: 'myhost' },
  })
  const both = [addressOf(a, 'names'), a.endpoints['names']?.GlobalIPv6Address ?? ''].sort()
  for (const name of ['alpha', 'web', 'WEB2', 'myhost', a.id.slice(0, 12), 'alpha.names', 'web.names']) {
    assert.deepEqual(addresses(await look(asker.netnsPath, name)), both, name)
  }
  assert.match(await look(asker.netnsPath, addressOf(a, 'names')), /name = alpha\.names/)
  root.networks.rename(a.id, 'omega')
  assert.deepEqual(addresses(await look(asker.netnsPath, 'omega')), both)
  assert.match(await look(asker.netnsPath, 'alpha'), /NXDOMAIN/)
  await root.networks.release(a.id)
  assert.match(await look(asker.netnsPath, 'omega'), /NXDOMAIN/)
})

test('a name that several have gives all of them; links are names for one', async () => {
  const b = await root.sandbox({ name: 'beta', network: { names: { Aliases: ['pool'] } } })
  const c = await root.sandbox({ name: 'gamma', network: { names: { Aliases: ['pool'] } } })
  const asker = await root.sandbox({ network: { names: { Links: ['beta:db'] } } })
  const found = addresses(await look(asker.netnsPath, 'pool', '-type=a'))
  assert.deepEqual(found, [addressOf(b, 'names'), addressOf(c, 'names')].sort())
  assert.deepEqual(addresses(await look(asker.netnsPath, 'db', '-type=a')), [addressOf(b, 'names')])
  assert.match(await look(c.netnsPath, 'db', '-type=a'), /NXDOMAIN/)
})

test('a known name without an IPv6 address is no error; other networks’ names are unknown', async () => {
  await root.networks.create({ Name: 'four' })
  const a = await root.sandbox({ name: 'only4', network: 'four' })
  const b = await root.sandbox({ network: 'four' })
  const other = await root.sandbox({ network: 'names' })
  const said = await look(b.netnsPath, 'only4', '-type=aaaa')
  assert.doesNotMatch(said, /NXDOMAIN|SERVFAIL/)
  assert.deepEqual(addresses(said), [])
  assert.deepEqual(addresses(await look(b.netnsPath, 'only4', '-type=a')), [addressOf(a, 'four')])
  assert.match(await look(other.netnsPath, 'only4', '-type=a'), /NXDOMAIN/)
})

test('other names are asked of the host’s servers, and kept for a while', async () => {
  const a = await root.sandbox({ network: 'names' })
  asked = 0
  assert.deepEqual(addresses(await look(a.netnsPath, 'world.example', '-type=a')), ['192.0.2.77'])
  const before_ = asked
  assert.ok(before_ > 0)
  assert.match(await look(a.netnsPath, 'nowhere.example', '-type=a'), /NXDOMAIN/)
})

test('a container of an internal network asks nobody outside', async () => {
  await root.networks.create({ Name: 'cage', Internal: true })
  const a = await root.sandbox({ name: 'bird', network: 'cage' })
  assert.match(await look(a.netnsPath, 'world.example', '-type=a'), /SERVFAIL/)
  assert.deepEqual(addresses(await look(a.netnsPath, 'bird', '-type=a')), [addressOf(a, 'cage')])
})

test('a container may have its own server at port 53', async () => {
  const a = await root.sandbox({ name: 'server', network: 'names' })
  await root.serve(a.netnsPath, 53, 'my-own')
  assert.deepEqual(addresses(await look(a.netnsPath, 'server', '-type=a')), [addressOf(a, 'names')])
  const b = await root.sandbox({ network: 'names' })
  await root.answers('my-own', b.netnsPath, addressOf(a, 'names'), 53)
})

test('names are served again after a restart of the daemon', async () => {
  const a = await root.sandbox({ name: 'phoenix', network: 'names' })
  await root.close()
  await root.open([a.id])
  await until(
    'names are served',
    async () => addresses(await look(a.netnsPath, 'phoenix', '-type=a'))[0] === addressOf(a, 'names'),
  )
})

test('answers over TCP, and truncated ones over UDP when they do not fit', async () => {
  const asker = await root.sandbox({ network: 'names' })
  const many = []
  for (let number = 0; number < 40; number++)
    many.push(await root.sandbox({ network: { names: { Aliases: ['crowd'] } } }))
  const query = encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: 'A', name: 'crowd' }] })
  const script = `
    const query = Buffer.from('${query.toString('hex')}', 'hex')
    const udp = require('dgram').createSocket('udp4')
    udp.on('message', (m) => {
      const tcp = require('net').connect(53, '127.0.0.11', () => tcp.write(Buffer.concat([Buffer.from([0, query.length]), query])))
      let all = Buffer.alloc(0)
      tcp.on('data', (d) => { all = Buffer.concat([all, d]); if (all.length >= 2 + all.readUInt16BE(0)) { console.log(m.toString('hex')); console.log(all.subarray(2).toString('hex')); process.exit() } })
    })
    udp.send(query, 53, '127.0.0.11')`
  const [small = '', large = ''] = (await root.run(asker.netnsPath, process.execPath, '-e', script))
    .trim()
    .split('\n')
  const byUdp = decode(Buffer.from(small, 'hex'))
  assert.ok(small.length / 2 <= 512 && byUdp.flag_tc)
  assert.equal(decode(Buffer.from(large, 'hex')).answers?.length, many.length)
})
