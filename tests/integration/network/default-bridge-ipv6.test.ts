import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { randomInt } from 'node:crypto'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import type { DefaultBridgeOptions } from '#network/predefined.ts'
import { NetworkRoot } from './network-root.ts'

const prefix = `fd${randomInt(16, 256).toString(16)}:${randomInt(0x1000, 0x10000).toString(16)}`

/** A root whose default bridge has these flags besides its own. */
class Root extends NetworkRoot {
  flags: Partial<DefaultBridgeOptions> = {}

  override options(): ReturnType<NetworkRoot['options']> {
    const options = super.options()
    return { ...options, defaultBridge: { ...options.defaultBridge, ...this.flags } }
  }

  addresses(): string[] {
    using netlink = new Rtnetlink()
    const { index } = netlink.link(this.bridge)
    return netlink
      .addresses()
      .filter((entry) => entry.index === index && entry.address.includes(':'))
      .map(({ address, prefix }) => `${address}/${prefix}`)
      .filter((text) => !text.startsWith('fe80'))
  }
}

test('ipv6 and fixed-cidr-v6: containers have addresses, reach each other, and publish; both come and go', async () => {
  const root = new Root()
  after(() => root[Symbol.asyncDispose]())
  root.flags = { ipv6: true, fixedCidr6: `${prefix}::/64` }
  await root.open()
  const a = await root.sandbox({ more: { portBindings: { '80/tcp': [{}] } } })
  const b = await root.sandbox()
  const { GlobalIPv6Address: six, IPv6Gateway, GlobalIPv6PrefixLen } = a.endpoints['bridge'] ?? {}
  const address = six ?? ''
  assert.deepEqual([address, IPv6Gateway, GlobalIPv6PrefixLen], [`${prefix}::2`, `${prefix}::1`, 64])
  await root.serve(a.netnsPath, 80, 'six')
  await root.answers('six', b.netnsPath, address, 80)
  const port = Number(a.ports['80/tcp']?.find(({ HostIp }) => HostIp === '::')?.HostPort)
  await root.answers('six', b.netnsPath, `${prefix}::1`, port)
  await root.answers('six', null, '::1', port)
  const { EnableIPv6, IPAM } = root.networks.inspect('bridge')
  assert.deepEqual([EnableIPv6, IPAM?.Config?.length], [true, 2])
  for (const { id } of [a, b]) await root.networks.release(id)
  const held = await root.sandbox()
  await root.close()
  root.flags = { ipv6: true, bip6: `${prefix}:1::9/80` }
  await root.open([held.id])
  assert.deepEqual(root.addresses(), [`${prefix}:1::9/80`])
  await root.networks.release(held.id)
  await root.close()
  root.flags = {}
  await root.open()
  const without = await root.sandbox()
  assert.equal(without.endpoints['bridge']?.GlobalIPv6Address, '')
  assert.deepEqual(root.addresses(), [])
  await root.networks.release(without.id)
})

test('ipv6 alone takes a subnet of the pools and keeps it', async () => {
  const root = new Root()
  after(() => root[Symbol.asyncDispose]())
  root.flags = { ipv6: true }
  await root.open()
  const subnets = (): unknown => root.networks.inspect('bridge').IPAM?.Config?.map(({ Subnet }) => Subnet)
  const before = subnets()
  await root.close()
  await root.open()
  assert.deepEqual(subnets(), before)
})

test('without ip6tables the daemon serves ports at IPv6 addresses', async () => {
  const root = new Root({ ip6tables: false })
  after(() => root[Symbol.asyncDispose]())
  root.flags = { ipv6: true, fixedCidr6: `${prefix}:2::/64` }
  await root.open()
  const a = await root.sandbox({ more: { portBindings: { '80/tcp': [{}] } } })
  await root.serve(a.netnsPath, 80, 'served')
  const port = Number(a.ports['80/tcp']?.find(({ HostIp }) => HostIp === '::')?.HostPort)
  await root.answers('served', null, `${prefix}:2::1`, port)
  const map = await root.run(null, 'nft', 'list', 'map', 'inet', `wharf_${root.bridge}`, 'any6')
  assert.doesNotMatch(map, /elements/)
  assert.match(
    await root.run(null, 'nft', 'list', 'chain', 'inet', `wharf_${root.bridge}`, 'forward'),
    /meta nfproto ipv6 accept/,
  )
})
