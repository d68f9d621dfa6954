import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { addressOf, NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

const root = new NetworkRoot()
let outside: Outside

before(async () => {
  outside = new Outside()
  await root.open()
})
after(async () => {
  await root[Symbol.asyncDispose]()
  outside[Symbol.dispose]()
})

const pool = (tail: string): string => `10.${String(root.base + 2)}.${tail}`

test('create, inspect, list with filters, remove', async () => {
  const { networks } = root
  const { Id } = await networks.create({
    Name: 'shape',
    Labels: { a: 'b' },
    IPAM: {
      Config: [
        { Subnet: pool('1.0/24'), IPRange: pool('1.128/25'), AuxiliaryAddresses: { host: pool('1.129') } },
      ],
    },
  })
  assert.match(Id, /^[0-9a-f]{64}$/)
  for (const ref of ['shape', Id, Id.slice(0, 10)]) assert.equal(networks.inspect(ref).Id, Id)
  const detail = networks.inspect('shape')
  assert.equal(detail.Driver, 'bridge')
  assert.deepEqual(detail.IPAM?.Config, [
    {
      Subnet: pool('1.0/24'),
      IPRange: pool('1.128/25'),
      AuxiliaryAddresses: { host: pool('1.129') },
    },
  ])
  const a = await root.sandbox({ network: 'shape' })
  assert.equal(addressOf(a, 'shape'), pool('1.130'))
  assert.deepEqual(Object.keys(networks.inspect('shape').Containers), [a.id])
  const names = (...filters: [string, readonly string[]][]): string[] =>
    networks
      .list(new Map(filters))
      .map((network) => network.Name)
      .sort()
  assert.deepEqual(names(['type', ['builtin']]), ['bridge', 'host', 'none'])
  assert.deepEqual(names(['label', ['a=b']]), ['shape'])
  assert.deepEqual(names(['name', ['hap']]), ['shape'])
  assert.deepEqual(names(['driver', ['null', 'host']]), ['host', 'none'])
  assert.deepEqual(names(['dangling', ['true']]), [])
  assert.throws(() => networks.list(new Map([['x', ['y']]])), { message: "invalid filter 'x'" })
  await assert.rejects(networks.remove('shape'), {
    code: 'permission_denied',
    message: /^error while removing network: network shape has active endpoints \(name:"c.*" id:".{12}"\)$/,
  })
  await networks.release(a.id)
  await networks.remove('shape')
  assert.throws(() => networks.inspect('shape'), { code: 'not_found', message: 'network shape not found' })
  assert.ok(root.events.includes('create shape') && root.events.includes('destroy shape'))
})

const refused: readonly [what: string, request: Parameters<NetworkRoot['networks']['create']>[0], code: string, message: RegExp][] = [
  ['a predefined name', { Name: 'host' }, 'permission_denied', /^operation is not permitted on predefined host network $/],
  ['an unknown driver', { Name: 'x', Driver: 'nope' }, 'not_found', /^plugin "nope" not found$/],
  ['ipvlan without a parent', { Name: 'x', Driver: 'ipvlan' }, 'invalid_argument', /ipvlan networks need a parent/],
  ['host bits in the subnet', { Name: 'x', IPAM: { Config: [{ Subnet: '10.1.2.3/24' }] } }, 'invalid_argument', /invalid subnet 10\.1\.2\.3\/24: it should be 10\.1\.2\.0\/24/],
  ['a gateway elsewhere', { Name: 'x', IPAM: { Config: [{ Subnet: '10.1.2.0/24', Gateway: '10.1.3.1' }] } }, 'invalid_argument', /invalid gateway 10\.1\.3\.1: parent subnet 10\.1\.2\.0\/24 doesn't contain this address/],
  ['an MTU that is none', { Name: 'x', Options: { 'com.docker.network.driver.mtu': 'big' } }, 'invalid_argument', /mtu/],
  ['macvlan without a parent', { Name: 'x', Driver: 'macvlan' }, 'invalid_argument', /parent/],
  ['no name', { Name: ' ' }, 'invalid_argument', /name is empty/],
] // prettier-ignore
for (const [what, request, code, message] of refused) {
  test(`create() refuses ${what}`, async () => {
    await assert.rejects(root.networks.create(request), { code, message })
  })
}

test('subnets do not overlap, and a name is taken once', async () => {
  await root.networks.create({ Name: 'one', IPAM: { Config: [{ Subnet: pool('2.0/24') }] } })
  await assert.rejects(root.networks.create({ Name: 'one' }), {
    code: 'conflict',
    message: 'network with name one already exists',
  })
  await assert.rejects(
    root.networks.create({ Name: 'two', IPAM: { Config: [{ Subnet: pool('2.128/25') }] } }),
    {
      message: 'invalid pool request: Pool overlaps with other one on this address space',
    },
  )
})

test('networks are apart; published ports are reached across', async () => {
  await root.networks.create({ Name: 'left' })
  await root.networks.create({ Name: 'right' })
  const left = await root.sandbox({ network: 'left', more: { portBindings: { '80/tcp': [{}] } } })
  const right = await root.sandbox({ network: 'right' })
  await root.serve(left.netnsPath, 80, 'left')
  assert.equal(await root.reach(right.netnsPath, addressOf(left, 'left'), 80), '')
  assert.equal(
    await root.reach(right.netnsPath, outside.here, Number(left.ports['80/tcp']?.[0]?.HostPort)),
    'left',
  )
})

test('an internal network has no way out, and none in but from the host', async () => {
  await root.networks.create({ Name: 'inner', Internal: true })
  const a = await root.sandbox({ network: 'inner' })
  const b = await root.sandbox({ network: 'inner' })
  await root.serve(a.netnsPath, 80, 'inner')
  await root.serve(outside.netnsPath, 91, 'world')
  await root.answers('inner', b.netnsPath, addressOf(a, 'inner'), 80)
  assert.equal(await root.reach(a.netnsPath, outside.there, 91), '')
  assert.equal(await root.reach(outside.netnsPath, addressOf(a, 'inner'), 80), '')
  assert.equal(a.endpoints['inner']?.Gateway, '')
})

test('without icc containers of a network do not reach each other', async () => {
  await root.networks.create({ Name: 'quiet', Options: { 'com.docker.network.bridge.enable_icc': 'false' } })
  const a = await root.sandbox({ network: 'quiet' })
  const b = await root.sandbox({ network: 'quiet' })
  await root.serve(a.netnsPath, 80, 'quiet')
  assert.equal(await root.reach(b.netnsPath, addressOf(a, 'quiet'), 80), '')
  await root.answers('quiet', null, addressOf(a, 'quiet'), 80)
})

test('options: bridge name, MTU, addresses, MAC, name of the interface', async () => {
  const name = `${root.bridge}x`
  await root.networks.create({
    Name: 'opts',
    Options: { 'com.docker.network.bridge.name': name, 'com.docker.network.driver.mtu': '1400' },
    IPAM: { Config: [{ Subnet: pool('5.0/24') }] },
  })
  const a = await root.sandbox({
    network: {
      opts: {
        IPAMConfig: { IPv4Address: pool('5.77') },
        MacAddress: '02:42:aa:bb:cc:dd',
        DriverOpts: { 'com.docker.network.endpoint.ifname': 'lan0' },
      },
    },
  })
  assert.equal(addressOf(a, 'opts'), pool('5.77'))
  const link = await root.run(a.netnsPath, 'ip', '-o', 'link', 'show', 'lan0')
  assert.match(link, /mtu 1400 .*02:42:aa:bb:cc:dd/)
  using netlink = new Rtnetlink()
  assert.equal(netlink.link(name).mtu, 1400)
  const taken = { opts: { IPAMConfig: { IPv4Address: pool('5.77') } } }
  await assert.rejects(root.sandbox({ network: taken }), {
    code: 'permission_denied',
    message: 'failed to set up container networking: Address already in use',
  })
  const elsewhere = { opts: { IPAMConfig: { IPv4Address: '10.99.9.9' } } }
  await assert.rejects(root.sandbox({ network: elsewhere }), {
    message: /no configured subnet or ip-range contain the IP address 10\.99\.9\.9/,
  })
  await assert.rejects(root.sandbox({ network: { bridge: { IPAMConfig: { IPv4Address: '10.9.9.9' } } } }), {
    message: /user specified IP address is supported on user defined networks only/,
  })
})

test('connect and disconnect a running container: links, default route, ports', async () => {
  const { networks } = root
  await networks.create({ Name: 'aaa' })
  await networks.create({ Name: 'zzz' })
  const a = await root.sandbox({ network: 'zzz', more: { portBindings: { '80/tcp': [{}] } } })
  await root.serve(a.netnsPath, 80, 'moved')
  const port = Number(a.ports['80/tcp']?.[0]?.HostPort)
  const before = await root.run(a.netnsPath, 'ip', '-o', 'route', 'show', 'default')
  const both = await networks.connect(a.id, { network: 'aaa', endpoint: { Aliases: ['x'] } })
  assert.deepEqual(Object.keys(both.endpoints).sort(), ['aaa', 'zzz'])
  const after_ = await root.run(a.netnsPath, 'ip', '-o', 'route', 'show', 'default')
  assert.notEqual(after_, before)
  assert.match(after_, /dev eth1/)
  await assert.rejects(networks.connect(a.id, { network: 'aaa', endpoint: {} }), {
    message: /^endpoint with name c.* already exists in network aaa$/,
  })
  await networks.disconnect(a.id, { network: 'aaa', force: false })
  assert.equal(await root.run(a.netnsPath, 'ip', '-o', 'route', 'show', 'default'), before)
  assert.equal(networks.describe(a.id)?.endpoints['aaa'], undefined)
  const nowPort = Number(networks.describe(a.id)?.ports['80/tcp']?.[0]?.HostPort)
  await root.answers('moved', null, outside.here, nowPort)
  if (nowPort !== port) assert.equal(await root.reach(null, outside.here, port), '')
  await assert.rejects(networks.disconnect(a.id, { network: 'aaa', force: false }), {
    message: /is not connected to network aaa$/,
  })
})

test('a container without a network is connected after it was disconnected from none', async () => {
  const { networks } = root
  await networks.create({ Name: 'late' })
  const a = await root.sandbox({ mode: { kind: 'none' } })
  await assert.rejects(networks.connect(a.id, { network: 'late', endpoint: {} }), {
    message: /private \(none\) mode$/,
  })
  await networks.disconnect(a.id, { network: 'none', force: false })
  const connected = await networks.connect(a.id, { network: 'late', endpoint: {} })
  assert.match(
    await root.run(a.netnsPath, 'ip', '-o', 'address', 'show', 'eth0'),
    new RegExp(addressOf(connected, 'late')),
  )
  const host = await root.sandbox({ mode: { kind: 'host' } })
  await assert.rejects(networks.connect(host.id, { network: 'late', endpoint: {} }), {
    message: /host network/,
  })
})

test('a configuration is used by networks and is none itself', async () => {
  const { networks } = root
  await networks.create({ Name: 'conf', ConfigOnly: true, IPAM: { Config: [{ Subnet: pool('20.0/24') }] } })
  await networks.create({ Name: 'uses', ConfigFrom: { Network: 'conf' } })
  assert.equal(networks.inspect('uses').IPAM?.Config?.[0]?.Subnet, pool('20.0/24'))
  await assert.rejects(networks.remove('conf'), { message: 'configuration network "conf" is in use' })
  await assert.rejects(root.sandbox({ network: 'conf' }), { message: /configuration only network conf/ })
  await networks.remove('uses')
  await networks.remove('conf')
})

test('IPv6: addresses, default route, published ports', async () => {
  await root.networks.create({
    Name: 'six',
    EnableIPv6: true,
    IPAM: { Config: [{ Subnet: `fd00:${root.base.toString(16)}::/64` }] },
  })
  const a = await root.sandbox({ network: 'six', more: { portBindings: { '80/tcp': [{}] } } })
  const b = await root.sandbox({ network: 'six' })
  await root.serve(a.netnsPath, 80, 'six')
  const address = a.endpoints['six']?.GlobalIPv6Address ?? ''
  assert.match(address, /^fd00:/)
  await root.answers('six', b.netnsPath, address, 80)
  await root.answers('six', null, address, 80)
  const port = Number(a.ports['80/tcp']?.find(({ HostIp }) => HostIp === '::')?.HostPort)
  await root.answers('six', null, '::1', port)
  await root.answers('six', b.netnsPath, b.endpoints['six']?.IPv6Gateway ?? '', port)
  await root.answers('six', null, '127.0.0.1', port)
})

test('macvlan: containers on a wire of the host', async () => {
  using netlink = new Rtnetlink()
  const parent = `${root.bridge}p`
  netlink.addLink(parent, { kind: 'veth', peer: { name: `${root.bridge}q` } }, { up: true })
  netlink.setLink(netlink.link(`${root.bridge}q`).index, { up: true })
  try {
    await root.networks.create({
      Name: 'wire',
      Driver: 'macvlan',
      Options: { parent },
      IPAM: { Config: [{ Subnet: pool('8.0/24') }] },
    })
    const a = await root.sandbox({ network: 'wire' })
    const b = await root.sandbox({ network: 'wire' })
    await root.serve(a.netnsPath, 80, 'on-the-wire')
    await root.answers('on-the-wire', b.netnsPath, addressOf(a, 'wire'), 80)
    await root.networks.release(a.id)
    await root.networks.release(b.id)
    await root.networks.remove('wire')
    assert.ok(netlink.link(parent).up)
  } finally {
    netlink.deleteLink(parent)
  }
})

test('ipvlan: containers on a wire of the host, or a clear refusal by a kernel that has none', async () => {
  using netlink = new Rtnetlink()
  const parent = `${root.bridge}i`
  netlink.addLink(parent, { kind: 'veth', peer: { name: `${root.bridge}j` } }, { up: true })
  const request = {
    Name: 'shared',
    Driver: 'ipvlan',
    Options: { parent, ipvlan_mode: 'l2' },
    IPAM: { Config: [{ Subnet: pool('40.0/24') }] },
  }
  const refusal = await root.networks.create(request).then(
    () => null,
    (error: unknown) => error,
  )
  if (refusal !== null) {
    assert.match(String(refusal), /ipvlan networks need a kernel with ipvlan/)
    assert.throws(() => root.networks.inspect('shared'), /not found/)
  } else {
    const a = await root.sandbox({ network: 'shared' })
    const b = await root.sandbox({ network: 'shared' })
    await root.serve(a.netnsPath, 80, 'same-mac')
    await root.answers('same-mac', b.netnsPath, addressOf(a, 'shared'), 80)
    for (const { id } of [a, b]) await root.networks.release(id)
    await root.networks.remove('shared')
  }
  assert.ok(
    netlink.links().some(({ name }) => name === parent),
    'the parent is not ours',
  )
  netlink.deleteLink(parent)
})

test('prune takes what is not used', async () => {
  await root.networks.create({ Name: 'unused', Labels: { keep: 'no' } })
  const a = await root.sandbox({ network: 'unused' })
  assert.deepEqual((await root.networks.prune(new Map([['label', ['keep=no']]]))).NetworksDeleted, [])
  await root.networks.release(a.id)
  assert.deepEqual((await root.networks.prune(new Map([['label', ['keep=no']]]))).NetworksDeleted, ['unused'])
})
