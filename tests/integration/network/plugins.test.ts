import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { silentLogger } from '#base/logger.ts'
import { openPlugins } from '#plugins/open-plugins.ts'
import { TestPlugin } from '../../support/plugin.ts'
import type { PluginCall } from '../../support/plugin.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { makeAndDie } from './make-and-die.ts'
import { addressOf, namespaceOf, NetworkRoot } from './network-root.ts'

const tag = randomInt(0x10000).toString(16)
const net = `10.${String(randomInt(170, 200))}.${String(randomInt(1, 250))}`
const ip = (...args: readonly string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

/** A network driver with a veth for each endpoint, and an IPAM driver that counts. */
class Driver {
  plugin!: TestPlugin
  readonly endpoints = new Set<string>()
  readonly networks = new Set<string>()
  readonly addresses = new Set<string>()
  readonly pools = new Set<string>()
  refuses = ''

  async start(directory: string): Promise<void> {
    this.plugin = await TestPlugin.start(directory, {
      name: `drv${tag}`,
      implements: ['NetworkDriver', 'IpamDriver'],
      handle: (call) => (call.method === this.refuses ? { Err: 'not today' } : this.answer(call)),
    })
  }

  answer({ method, body }: PluginCall): object {
    const id = String(body['EndpointID'] ?? '').slice(0, 6)
    switch (method) {
      case 'NetworkDriver.GetCapabilities':
        return { Scope: 'local' }
      case 'NetworkDriver.CreateNetwork':
        this.networks.add(body['NetworkID'])
        return {}
      case 'NetworkDriver.DeleteNetwork':
        this.networks.delete(body['NetworkID'])
        return {}
      case 'NetworkDriver.CreateEndpoint':
        this.endpoints.add(id)
        ip('link', 'add', `ph${id}`, 'type', 'veth', 'peer', 'name', `pc${id}`)
        ip('address', 'replace', `${net}.1/24`, 'dev', `ph${id}`)
        ip('link', 'set', `ph${id}`, 'up')
        return { Interface: { MacAddress: '02:aa:bb:cc:dd:01' } }
      case 'NetworkDriver.Join':
        return {
          InterfaceName: { SrcName: `pc${id}`, DstPrefix: 'wire' },
          Gateway: `${net}.1`,
          StaticRoutes: [{ Destination: '198.51.100.0/24', RouteType: 0, NextHop: `${net}.1` }],
        }
      case 'NetworkDriver.DeleteEndpoint':
        if (this.endpoints.delete(id)) ip('link', 'delete', `ph${id}`)
        return {}
      case 'IpamDriver.GetDefaultAddressSpaces':
        return { LocalDefaultAddressSpace: 'here', GlobalDefaultAddressSpace: 'there' }
      case 'IpamDriver.RequestPool':
        this.pools.add('p1')
        return { PoolID: 'p1', Pool: body['Pool'] || `${net}.0/24`, Data: {} }
      case 'IpamDriver.ReleasePool':
        this.pools.delete(body['PoolID'])
        return {}
      case 'IpamDriver.RequestAddress': {
        const gateway = body['Options']?.['RequestAddressType'] === 'com.docker.network.gateway'
        const free = Array.from({ length: 200 }, (_, n) => `${net}.${n + 50}`)
        const address =
          body['Address'] || (gateway ? `${net}.1` : free.find((one) => !this.addresses.has(one)))
        this.addresses.add(address)
        return { Address: `${address}/24` }
      }
      case 'IpamDriver.ReleaseAddress':
        this.addresses.delete(body['Address'])
        return {}
      default:
        return {}
    }
  }

  get isEmpty(): boolean {
    return [this.endpoints, this.networks, this.addresses, this.pools].every((set) => set.size === 0)
  }
}

describe('network and IPAM plugins', () => {
  const driver = new Driver()
  let root: NetworkRoot
  const directory = scratchDirectory('p')
  before(async () => {
    await driver.start(directory)
    const plugins = openPlugins({ logger: silentLogger, directories: { sockets: directory, specs: [] } })
    root = new NetworkRoot({ plugins })
    await root.open()
  })
  after(async () => {
    await root[Symbol.asyncDispose]()
    await driver.plugin.stop()
  })
  const name = `drv${tag}`

  test('a network, endpoints with links, addresses, routes; all given back', async () => {
    await root.networks.create({
      Name: 'far',
      Driver: name,
      Options: { color: 'red' },
      IPAM: { Driver: name },
    })
    const created = driver.plugin.calls.find(({ method }) => method === 'NetworkDriver.CreateNetwork')!.body
    assert.deepEqual(created['Options']['com.docker.network.generic'], { color: 'red' })
    assert.deepEqual(created['IPv4Data'][0].Pool, `${net}.0/24`)
    const { Driver: shown, IPAM } = root.networks.inspect('far')
    assert.deepEqual([shown, IPAM?.Driver, IPAM?.Config?.[0]?.Gateway], [name, name, `${net}.1`])
    const a = await root.sandbox({ network: 'far', name: 'first' })
    assert.equal(addressOf(a, 'far'), `${net}.50`)
    const inside = await root.run(a.netnsPath, 'ip', '-o', 'address', 'show', 'dev', 'wire0')
    assert.match(inside, new RegExp(`${net}.50/24`))
    assert.match(await root.run(a.netnsPath, 'ip', 'link', 'show', 'dev', 'wire0'), /02:aa:bb:cc:dd:01/)
    const routes = await root.run(a.netnsPath, 'ip', 'route')
    assert.match(routes, new RegExp(`default via ${net}.1 dev wire0`))
    assert.match(routes, new RegExp(`198.51.100.0/24 via ${net}.1 dev wire0`))
    await root.serve(a.netnsPath, 80, 'far-away')
    await root.answers('far-away', null, addressOf(a, 'far'), 80)
    await root.networks.release(a.id)
    assert.deepEqual([driver.endpoints.size, driver.addresses.size], [0, 1])
    await root.networks.remove('far')
    assert.ok(driver.isEmpty)
  })

  test('what a plugin refuses is said, and leaves nothing', async () => {
    driver.refuses = 'NetworkDriver.CreateNetwork'
    await assert.rejects(
      root.networks.create({ Name: 'no', Driver: name, IPAM: { Driver: name } }),
      /not today/,
    )
    driver.refuses = 'NetworkDriver.Join'
    await root.networks.create({ Name: 'far', Driver: name, IPAM: { Driver: name } })
    await assert.rejects(root.sandbox({ network: 'far' }), /not today/)
    assert.deepEqual([driver.endpoints.size, driver.addresses.size], [0, 1])
    driver.refuses = 'NetworkDriver.DeleteNetwork'
    await assert.rejects(root.networks.remove('far'), /not today/)
    driver.refuses = ''
    await root.networks.remove('far')
    assert.ok(driver.isEmpty)
    await assert.rejects(root.networks.create({ Name: 'x', Driver: 'nobody' }), /plugin "nobody" not found/)
    await assert.rejects(
      root.networks.create({ Name: 'x', IPAM: { Driver: 'nobody' } }),
      /ipam driver "nobody" not found/,
    )
  })

  test('an IPAM plugin for a bridge network; what cannot be released now is released at the next start', async () => {
    await root.networks.create({ Name: 'mix', IPAM: { Driver: name, Config: [{ Subnet: `${net}.0/24` }] } })
    const a = await root.sandbox({ network: { mix: { IPAMConfig: { IPv4Address: `${net}.99` } } } })
    const b = await root.sandbox({ network: 'mix' })
    assert.deepEqual([addressOf(a, 'mix'), addressOf(b, 'mix')], [`${net}.99`, `${net}.50`])
    await root.serve(a.netnsPath, 80, 'mixed')
    await root.answers('mixed', namespaceOf(b), addressOf(a, 'mix'), 80)
    driver.refuses = 'IpamDriver.ReleaseAddress'
    await root.networks.release(a.id)
    driver.refuses = ''
    assert.ok(driver.addresses.has(`${net}.99`))
    await root.close()
    await root.open([b.id])
    await until('the address is given back', () => !driver.addresses.has(`${net}.99`))
    await root.networks.release(b.id)
    await root.networks.remove('mix')
    assert.ok(driver.isEmpty)
  })

  test('a running container is connected to a plugin’s network and leaves it', async () => {
    await root.networks.create({ Name: 'far', Driver: name, IPAM: { Driver: name } })
    const a = await root.sandbox()
    const view = await root.networks.connect(a.id, { network: 'far', endpoint: {} })
    assert.equal(view.endpoints['far']?.IPAddress, `${net}.50`)
    assert.match(await root.run(a.netnsPath, 'ip', '-o', 'address'), /wire0/)
    await root.networks.disconnect(a.id, { network: 'far', force: false })
    assert.doesNotMatch(await root.run(a.netnsPath, 'ip', '-o', 'address'), /wire0/)
    await root.networks.release(a.id)
    await root.networks.remove('far')
    assert.ok(driver.isEmpty)
  })

  for (const [point, wholeNetwork] of [
    ['network.create.recorded', false],
    ['network.plugin.network-held', false],
    ['network.plugin.addresses-taken', true],
    ['network.plugin.endpoint-held', true],
    ['network.sandbox.attached', true],
  ] as const) {
    test(`after a death at ${point} the plugins hold nothing for nobody`, async () => {
      const other = new NetworkRoot()
      const network = { Name: 'far', Driver: name, IPAM: { Driver: name } }
      await makeAndDie(other, { port: 0, failpoints: `${point}=1*kill`, network, plugins: directory })
      assert.ok(!driver.isEmpty)
      other.change({
        plugins: openPlugins({ logger: silentLogger, directories: { sockets: directory, specs: [] } }),
      })
      const networks = await other.open()
      assert.equal(driver.endpoints.size, 0)
      assert.equal(
        networks.list(new Map()).some(({ Name }) => Name === 'far'),
        wholeNetwork,
      )
      if (wholeNetwork) await networks.remove('far')
      assert.ok(driver.isEmpty)
      await other[Symbol.asyncDispose]()
    })
  }
})
