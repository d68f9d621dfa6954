import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { RATE_DOWN, RATE_UP } from '#network/rates.ts'
import { until } from '../../support/until.ts'
import { addressOf, namespaceOf, NetworkRoot } from './network-root.ts'

const root = new NetworkRoot()
let links: number

const linkCount = (): number => {
  using netlink = new Rtnetlink()
  return netlink.links().length
}

before(async () => {
  await root.open()
  links = linkCount()
})
after(async () => {
  await root[Symbol.asyncDispose]()
})

/** Megabits a second that get through from one namespace to an address; a loaded machine may have none to spare at once. */
async function measure(from: string, to: string, ...more: readonly string[]): Promise<number> {
  let rate = 0
  await until(
    'iperf3 has measured',
    async () => {
      const said = await root.run(from, 'iperf3', '-c', to, '-t', '2', '-O', '1', '-J', ...more)
      const { end } = JSON.parse(said) as { end: { sum_received?: { bits_per_second: number } } }
      rate = (end.sum_received?.bits_per_second ?? 0) / 1e6
      return rate > 0
    },
    { timeoutMs: 30_000 },
  )
  return rate
}

test('a limited container sends and receives no faster than it may; others do', async () => {
  const limited = await root.sandbox({ more: { labels: { [RATE_UP]: '20mbit', [RATE_DOWN]: '40mbit' } } })
  const free = await root.sandbox()
  // It ends with the test.
  void root.run(limited.netnsPath, 'iperf3', '-s')
  const address = addressOf(limited, 'bridge')
  await until('iperf3 serves', async () =>
    / :::5201 |0.0.0.0:5201 |:5201 /.test(await root.run(limited.netnsPath, 'busybox', 'netstat', '-lnt')),
  )
  const down = await measure(namespaceOf(free), address)
  const up = await measure(namespaceOf(free), address, '-R')
  assert.ok(down < 46 && down > 4, `${down} Mbit/s down`)
  assert.ok(up < 23 && up > 2, `${up} Mbit/s up`)
  const discs = await root.run(null, 'tc', '-s', 'qdisc', 'show')
  assert.match(discs, /qdisc tbf 1: dev veth\w+ root .*rate 40Mbit burst \d+/)
  assert.match(discs, /qdisc tbf 1: dev ifb\w+ root .*rate 20Mbit burst \d+/)
  assert.match(discs, /qdisc ingress ffff: dev veth/)
  await root.networks.release(limited.id)
  await root.networks.release(free.id)
  await until('no link is left', () => linkCount() === links)
})

test('an endpoint’s options come before labels; one direction alone; what cannot be is refused', async () => {
  await root.networks.create({ Name: 'fast' })
  const a = await root.sandbox({
    network: { fast: { DriverOpts: { [RATE_DOWN]: '1.5gbit' } } },
    more: { labels: { [RATE_DOWN]: '1mbit' } },
  })
  const discs = await root.run(null, 'tc', 'qdisc', 'show')
  assert.match(discs, /tbf 1: dev veth\w+ root .*rate 1500Mbit/)
  assert.doesNotMatch(discs, /dev ifb/)
  const check = (text: string): void => {
    root.networks.check({
      containerId: 'x', containerName: 'x', hostname: '', domainname: '', links: [],
      mode: { kind: 'networks', primary: 'fast', endpoints: { fast: { DriverOpts: { [RATE_UP]: text } } } },
      dns: { servers: [], options: [], search: [] },
      extraHosts: [], portBindings: {}, exposedPorts: [], publishAll: false,
    }) // prettier-ignore
  }
  assert.throws(() => check('fast'), InvalidArgumentError)
  check('10mbit')
  await root.networks.release(a.id)
})
