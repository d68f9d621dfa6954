import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EtcdServer, Wire, type Host } from '../../support/hosts.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { until } from '../../support/until.ts'

let wire: Wire
let etcd: EtcdServer
let hosts: Host[]
let daemons: Wharfd[]

before(async () => {
  wire = new Wire()
  etcd = new EtcdServer(wire.add('store'))
  etcd.start()
  hosts = ['a', 'b', 'c'].map((name) => wire.add(name))
  await etcd.ready()
  daemons = await Promise.all(hosts.map((host) => startOn(host)))
})

after(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()))
  await etcd.kill()
  wire[Symbol.dispose]()
})

function startOn(host: Host): Promise<Wharfd> {
  const config = {
    'cluster-store': `etcd://${etcd.server}`,
    'cluster-advertise': 'eth0:2376',
    'cluster-store-opts': { 'discovery.ttl': '4', 'discovery.heartbeat': '1', 'discovery.grace': '3' },
  }
  return Wharfd.startWithBusybox({ config, host: { netnsPath: host.netnsPath, name: host.name } })
}

/** Waits until a host knows a network. */
async function knows(daemon: Wharfd, network: string): Promise<void> {
  await until(
    `${network} is known`,
    async () => (await daemon.docker('network', 'inspect', network)).exitCode === 0,
  )
}

test('containers of three hosts reach each other by address and by name', async () => {
  const [a, b, c] = daemons as [Wharfd, Wharfd, Wharfd]
  const id = await a.ok('network', 'create', '-d', 'overlay', '--attachable', 'web')
  for (const daemon of [b, c]) {
    await knows(daemon, 'web')
    assert.equal(
      await daemon.ok('network', 'inspect', '-f', '{{.Id}} {{.Driver}} {{.Scope}}', 'web'),
      `${id} overlay global`,
    )
  }
  await a.ok(
    'run',
    '-d',
    '--name',
    'one',
    '--network',
    'web',
    '--network-alias',
    'service',
    'busybox',
    'sleep',
    '1000',
  )
  await b.ok(
    'run',
    '-d',
    '--name',
    'two',
    '--network',
    'web',
    '--network-alias',
    'service',
    'busybox',
    'sleep',
    '1000',
  )
  const two = await b.ok('inspect', '-f', '{{.NetworkSettings.Networks.web.IPAddress}}', 'two')
  await until(
    'a reaches b by address',
    async () => (await a.docker('exec', 'one', 'ping', '-c1', '-W1', two)).exitCode === 0,
  )
  await until(
    'a reaches b by name',
    async () => (await a.docker('exec', 'one', 'ping', '-c1', '-W1', 'two')).exitCode === 0,
  )
  const names = await c.ok('run', '--rm', '--network', 'web', 'busybox', 'nslookup', 'service')
  for (const address of ['10.0.0.2', '10.0.0.3']) assert.ok(names.includes(`Address: ${address}\n`), names)
})
