import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { addressOf, namespaceOf, NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

const root = new NetworkRoot()
let outside: Outside
const port = randomInt(20_000, 30_000)

before(async () => {
  outside = new Outside()
  await root.open()
})
after(async () => {
  await root[Symbol.asyncDispose]()
  outside[Symbol.dispose]()
})

const published = (
  hostPort: number,
  hostIp = '',
): { portBindings: Record<string, { HostIp: string; HostPort: string }[]> } => ({
  portBindings: { '80/tcp': [{ HostIp: hostIp, HostPort: String(hostPort) }] },
})

test('a published port answers here, outside, to its own container and to others; others ports do not', async () => {
  const a = await root.sandbox({ more: published(port) })
  const b = await root.sandbox()
  await root.serve(a.netnsPath, 80, 'from-a')
  await root.serve(a.netnsPath, 81, 'hidden')
  const address = addressOf(a, 'bridge')
  await root.answers('from-a', null, '127.0.0.1', port)
  await root.answers('from-a', null, outside.here, port)
  await root.answers('from-a', null, address, 80)
  await root.answers('from-a', null, '::1', port)
  await root.answers('from-a', outside.netnsPath, outside.here, port)
  await root.answers('from-a', a.netnsPath, outside.here, port)
  await root.answers('from-a', b.netnsPath, outside.here, port)
  await root.answers('hidden', b.netnsPath, address, 81)
  assert.equal(await root.reach(outside.netnsPath, address, 80), '')
  assert.equal(await root.reach(outside.netnsPath, address, 81), '')
  assert.deepEqual(a.ports, {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: String(port) },
      { HostIp: '::', HostPort: String(port) },
    ],
  })
  await root.networks.release(a.id)
  assert.equal(await root.reach(null, '127.0.0.1', port), '')
})

test('a container reaches the world with an address of the host', async () => {
  const a = await root.sandbox()
  await root.serve(outside.netnsPath, 90, 'world')
  await root.answers('world', a.netnsPath, outside.there, 90)
})

test('a port published on loopback is for this host only', async () => {
  const a = await root.sandbox({ more: published(port + 1, '127.9.9.9') })
  await root.serve(a.netnsPath, 80, 'private')
  await root.answers('private', null, '127.9.9.9', port + 1)
  assert.equal(await root.reach(null, outside.here, port + 1), '')
  assert.equal(await root.reach(outside.netnsPath, '127.9.9.9', port + 1), '')
})

test('a port that a container has, or a program of the host, is refused in Docker’s words', async () => {
  const a = await root.sandbox({ name: 'first', more: published(port + 2) })
  await assert.rejects(root.sandbox({ name: 'second', more: published(port + 2) }), {
    message: new RegExp(
      `^failed to set up container networking: driver failed programming external connectivity on endpoint second \\([0-9a-f]{64}\\): ` +
        `Bind for 0\\.0\\.0\\.0:${String(port + 2)} failed: port is already allocated$`,
    ),
  })
  const program = createServer()
  await assert.rejects(
    new Promise((resolve, reject) =>
      program.once('error', reject).listen(port + 2, '0.0.0.0', () => resolve(null)),
    ),
    { code: 'EADDRINUSE' },
  )
  await root.networks.release(a.id)
  await new Promise((resolve) => program.listen(port + 2, '0.0.0.0', () => resolve(null)))
  await assert.rejects(root.sandbox({ more: published(port + 2) }), {
    message: new RegExp(
      `failed to bind host port 0\\.0\\.0\\.0:${String(port + 2)}/tcp: address already in use$`,
    ),
  })
  await new Promise((resolve) => program.close(resolve))
})

test('ports without a number get free ones; ranges pick one that is free', async () => {
  const range = `${String(port + 10)}-${String(port + 11)}`
  const wish = {
    portBindings: { '80/tcp': [{ HostPort: range }] },
    exposedPorts: ['443/tcp'],
    publishAll: true,
  }
  const a = await root.sandbox({ more: wish })
  const b = await root.sandbox({ more: wish })
  assert.equal(a.ports['80/tcp']?.[0]?.HostPort, String(port + 10))
  assert.equal(b.ports['80/tcp']?.[0]?.HostPort, String(port + 11))
  assert.match(a.ports['443/tcp']?.[0]?.HostPort ?? '', /^\d{5}$/)
  assert.notEqual(a.ports['443/tcp']?.[0]?.HostPort, b.ports['443/tcp']?.[0]?.HostPort)
  await assert.rejects(root.sandbox({ more: wish }), /port is already allocated/)
})

test('an address is the lowest that is free, its MAC follows from it, and release() leaves no link', async () => {
  const a = await root.sandbox()
  const address = addressOf(a, 'bridge')
  const last = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  assert.equal(a.endpoints['bridge']?.MacAddress, `02:42:${last.join(':')}`)
  using netlink = new Rtnetlink()
  const ports = (): number => {
    const { index } = netlink.link(root.bridge)
    return netlink.links().filter((link) => link.master === index && link.up).length
  }
  const with_ = ports()
  await root.networks.release(a.id)
  await root.networks.release(a.id)
  assert.equal(ports(), with_ - 1)
  const b = await root.sandbox()
  assert.equal(addressOf(b, 'bridge'), address)
})

test('none has nothing but loopback; host and container share', async () => {
  const none = await root.sandbox({ mode: { kind: 'none' } })
  assert.match(await root.run(namespaceOf(none), 'ip', '-o', 'link'), /^1: lo: .*LOOPBACK,UP[^\n]*\n$/)
  const host = await root.sandbox({ mode: { kind: 'host' } })
  assert.equal(host.netnsPath, null)
  const a = await root.sandbox()
  const shared = await root.sandbox({ mode: { kind: 'container', containerId: a.id } })
  assert.equal(shared.netnsPath, a.netnsPath)
  assert.equal(shared.hosts, null)
})

test('hosts has the names that were asked for', async () => {
  const more = {
    hostname: 'web',
    domainname: 'example.org',
    extraHosts: ['db:10.9.8.7', 'host.docker.internal:host-gateway'],
  }
  const a = await root.sandbox({ more })
  const gateway = root.bip.replace(/\/.*/, '')
  assert.ok(
    a.hosts?.endsWith(
      `10.9.8.7\tdb\n${gateway}\thost.docker.internal\n${addressOf(a, 'bridge')}\tweb.example.org web\n`,
    ),
  )
})

test('the firewall comes back when somebody takes it away', async () => {
  const a = await root.sandbox({ more: published(port + 20) })
  await root.serve(a.netnsPath, 80, 'healed')
  await root.run(null, 'nft', 'delete', 'table', 'inet', `wharf_${root.bridge}`)
  const deadline = Date.now() + 30_000
  let answer = ''
  while (answer === '' && Date.now() < deadline) answer = await root.reach(null, outside.here, port + 20)
  assert.equal(answer, 'healed')
})

test('a thousand ports are published in one go', async () => {
  const first = 40_000 + randomInt(5000)
  const bindings: Record<string, { HostPort: string }[]> = {}
  for (let offset = 0; offset < 1000; offset++) {
    bindings[`${String(1000 + offset)}/tcp`] = [{ HostPort: String(first + offset) }]
  }
  const a = await root.sandbox({ more: { portBindings: bindings } })
  await root.serve(a.netnsPath, 1999, 'the-last')
  await root.answers('the-last', null, outside.here, first + 999)
  await root.networks.release(a.id)
  assert.equal(await root.reach(null, outside.here, first + 999), '')
})
