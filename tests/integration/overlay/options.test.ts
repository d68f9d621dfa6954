import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { Cluster, idle, knows, reaches } from './cluster.ts'

let cluster: Cluster
let a: Wharfd
let b: Wharfd

before(async () => {
  cluster = await Cluster.start('a', 'b')
  ;[a, b] = cluster.daemons as [Wharfd, Wharfd]
})
after(() => cluster[Symbol.asyncDispose]())

const create = (...args: readonly string[]): readonly string[] => [
  'network',
  'create',
  '-d',
  'overlay',
  ...args,
]

test('several subnets, both families, a fixed address and MAC', async () => {
  await a.ok(
    ...create(
      '--subnet',
      '10.50.0.0/24',
      '--subnet',
      '10.51.0.0/24',
      '--ipv6',
      '--subnet',
      'fd00:50::/64',
      'wide',
    ),
  )
  await knows(b, 'wide')
  const mac = '02:42:aa:bb:cc:dd'
  assert.equal(
    await idle(a, 'wide', 'fixed', '--ip', '10.51.0.9', '--ip6', 'fd00:50::9', '--mac-address', mac),
    '10.51.0.9',
  )
  // In the other subnet.
  assert.equal(await idle(b, 'wide', 'free', '--ip', '10.50.0.2'), '10.50.0.2')
  await reaches(b, 'free', '10.51.0.9')
  await reaches(a, 'fixed', '10.50.0.2')
  await reaches(b, 'free', 'fd00:50::9')
  assert.match(await b.ok('exec', 'free', 'ip', 'neigh'), new RegExp(`10\\.51\\.0\\.9 .*${mac}`))
  const twice = await b.docker('run', '--rm', '--network', 'wide', '--ip6', 'fd00:50::9', 'busybox', 'true')
  assert.match(twice.stderr, /Address already in use/)
  await a.ok('rm', '-f', 'fixed')
  await b.ok('rm', '-f', 'free')
})

test('a subnet may be that of the host and of local networks, not that of another overlay network', async () => {
  await b.ok('network', 'create', '--subnet', '10.60.0.0/24', 'local')
  await a.ok(...create('--subnet', '10.60.0.0/24', 'same'))
  await knows(b, 'same')
  await idle(a, 'same', 'here')
  await idle(b, 'same', 'there')
  await reaches(a, 'here', 'there')
  await a.ok('rm', '-f', 'here')
  await b.ok('rm', '-f', 'there')
  const refused = await b.docker(...create('--subnet', '10.60.0.128/25', 'clash'))
  assert.match(refused.stderr, /Pool overlaps with other one on this address space/)
})

test('the identifier and the MTU are the user’s when given; a taken identifier is refused', async () => {
  const vni = 'com.docker.network.driver.overlay.vxlanid_list'
  await a.ok(...create('-o', `${vni}=77`, '-o', 'com.docker.network.driver.mtu=1300', 'tuned'))
  await knows(b, 'tuned')
  const rates = ['up', 'down'].flatMap((way) => ['--label', `wharf.network.rate.${way}=10mbit`])
  await idle(b, 'tuned', 'tuned', ...rates)
  assert.match(await b.ok('exec', 'tuned', 'ip', 'link', 'show', 'eth0'), /mtu 1300/)
  const { Id } = await b.call('GET', '/networks/tuned')
  const links = await cluster.hosts[1]!.run(
    'nsenter',
    `--net=${b.root}/run/overlay/${Id}`,
    'ip',
    '-d',
    'link',
  )
  assert.match(links.stdout, /vxlan id 77 /)
  const limits = await cluster.hosts[1]!.run('nsenter', `--net=${b.root}/run/overlay/${Id}`, 'tc', 'qdisc')
  assert.equal(limits.stdout.match(/rate 10Mbit/g)?.length, 2, limits.stdout)
  await b.ok('rm', '-f', 'tuned')
  assert.match(
    (await b.docker(...create('-o', `${vni}=77`, 'again'))).stderr,
    /VXLAN identifier 77 is in use by the network tuned/,
  )
  assert.match((await b.docker(...create('-o', `${vni}=0`, 'again'))).stderr, /invalid vxlan id/)
})

test('what cannot be is refused in words', async () => {
  assert.match(
    (await a.docker(...create('-o', 'encrypted', 'secret'))).stderr,
    /encrypted overlay networks are not supported/,
  )
  assert.match(
    (await a.docker(...create('--ipv4=false', '--ipv6', 'six'))).stderr,
    /overlay networks need IPv4/,
  )
  const names = await Promise.all([a, b].map((daemon) => daemon.docker(...create('once'))))
  assert.deepEqual(names.map(({ exitCode }) => exitCode).toSorted(), [0, 1])
  assert.match(names.map(({ stderr }) => stderr).join(''), /network with name once already exists/)
  await knows(a, 'once')
  await knows(b, 'once')
  assert.match((await a.docker('network', 'create', 'once')).stderr, /already exists/)
})

test('networks made on both hosts at once get subnets and identifiers of their own', async () => {
  const made = await Promise.all(
    [a, b].flatMap((daemon, host) =>
      [0, 1, 2].map((number) => daemon.ok(...create(`n${String(host)}${String(number)}`))),
    ),
  )
  const seen = await Promise.all(
    made.map(async (id) => {
      await knows(a, id)
      const { IPAM, Options } = await a.call('GET', `/networks/${id}`)
      return [IPAM.Config[0].Subnet as string, Object.values(Options)[0] as string]
    }),
  )
  assert.equal(new Set(seen.map(([subnet]) => subnet)).size, made.length)
  assert.equal(new Set(seen.map(([, vni]) => vni)).size, made.length)
  assert.match(await b.ok('network', 'prune', '-f'), /n00/)
  await until(
    'they are gone on the other host',
    async () => !(await a.ok('network', 'ls')).includes('overlay'),
  )
})
