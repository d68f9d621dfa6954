import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { run, type CliResult } from '../../support/engine.ts'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { addressIn, Cluster, idle, knows, lists, pings, reaches, resolves } from './cluster.ts'

let cluster: Cluster
let a: Wharfd
let b: Wharfd
let c: Wharfd

before(async () => {
  cluster = await Cluster.start('a', 'b', 'c')
  ;[a, b, c] = cluster.daemons as [Wharfd, Wharfd, Wharfd]
})
after(() => cluster[Symbol.asyncDispose]())

test('a network made on one host is there on all; containers reach each other by address, name and alias', async () => {
  const id = await a.ok('network', 'create', '-d', 'overlay', '--attachable', '--label', 'of=web', 'web')
  for (const daemon of [b, c]) {
    await knows(daemon, 'web')
    const shown = '{{.Id}} {{.Driver}} {{.Scope}} {{.Attachable}} {{.Labels.of}}'
    assert.equal(await daemon.ok('network', 'inspect', '-f', shown, 'web'), `${id} overlay global true web`)
    assert.match(await daemon.ok('network', 'ls', '--filter', 'scope=global'), /^\w+ +web +overlay +global$/m)
  }
  const one = await idle(a, 'web', 'one', '--network-alias', 'service')
  const two = await idle(b, 'web', 'two', '--network-alias', 'service')
  assert.notEqual(one, two)
  await reaches(a, 'one', two)
  await reaches(b, 'two', one)
  await reaches(a, 'one', 'two')
  await idle(c, 'web', 'three')
  await resolves(c, 'three', { asked: 'service', addresses: [one, two] })
  await resolves(c, 'three', { asked: 'one.web', addresses: [one] })
  const reverse = await c.ok('exec', 'three', 'nslookup', one)
  assert.match(reverse, /name = one\.web/)
  for (const daemon of [a, b, c]) await lists(daemon, 'web', ['one', 'two', 'three'])
  await b.ok('exec', '-d', 'two', 'nc', '-ll', '-p', '80', '-e', 'head', '-c', '3000000', '/dev/zero')
  await until('large packets pass', async () => {
    const { stdout } = await c.docker('exec', 'three', 'sh', '-c', 'nc -w 5 two 80 | wc -c')
    return stdout.trim() === '3000000'
  })
  assert.match(await a.ok('exec', 'one', 'ip', 'link', 'show', 'eth0'), /mtu 1450/)
})

test('wharf network inspect --diagnose looks at the tunnel', async () => {
  const [host] = cluster.hosts
  const diagnose = (): Promise<CliResult> =>
    run(
      [
        ...['nsenter', `--net=${host!.netnsPath}`, process.execPath, '--disable-warning=ExperimentalWarning'],
        ...['src/cli/main.ts', 'network', 'inspect', '--diagnose', 'web'],
      ],
      { env: { DOCKER_HOST: `unix://${a.socketPath}` } },
    )
  const whole = await diagnose()
  assert.doesNotMatch(whole.stdout, /FAIL/, whole.stderr)
  assert.match(whole.stdout, new RegExp(`the tunnel leads to two at the host ${cluster.hosts[1]!.address}`))
  const { Id } = await a.call('GET', '/networks/web')
  const tunnel = ['nsenter', `--net=${a.root}/run/overlay/${Id}`, 'ip', 'link', 'set', 'vxlan0']
  await host!.run(...tunnel, 'down')
  assert.match((await diagnose()).stdout, /FAIL +the tunnel vxlan0 is up/)
  await host!.run(...tunnel, 'up')
  await reaches(a, 'one', 'two')
})

test('names follow: a container that is renamed, disconnected, connected again, removed', async () => {
  await b.ok('rename', 'two', 'zwei')
  await reaches(a, 'one', 'zwei')
  await resolves(a, 'one', { asked: 'two', addresses: [] })
  await b.ok('network', 'disconnect', 'web', 'zwei')
  await lists(a, 'web', ['one', 'three'])
  await resolves(a, 'one', { asked: 'zwei', addresses: [] })
  assert.doesNotMatch(await b.ok('exec', 'zwei', 'ip', '-o', 'addr'), /eth/)
  await b.ok('network', 'connect', '--alias', 'again', 'web', 'zwei')
  await reaches(a, 'one', 'again')
  await reaches(b, 'zwei', 'one')
  await b.ok('rm', '-f', 'zwei')
  await lists(c, 'web', ['one', 'three'])
  await resolves(c, 'three', { asked: 'zwei', addresses: [] })
})

test('the way out and published ports go by the gateway network; an internal network has none', async () => {
  await a.ok(
    'run',
    '-d',
    '--name',
    'server',
    '--network',
    'web',
    '-p',
    '8099:80',
    'busybox',
    'httpd',
    '-f',
    '-p',
    '80',
    '-h',
    '/etc',
  )
  const [host] = cluster.hosts
  const { here } = cluster.wire
  await until('the published port answers', async () => {
    const { stdout } = await cluster.hosts[1]!.run(
      'curl',
      '-s',
      '-m',
      '3',
      `http://${host!.address}:8099/hostname`,
    )
    return stdout.trim() !== ''
  })
  await reaches(a, 'server', here)
  const { NetworkSettings } = await a.call('GET', '/containers/server/json')
  assert.deepEqual(Object.keys(NetworkSettings.Networks), ['web'])
  assert.equal(NetworkSettings.Ports['80/tcp'][0].HostPort, '8099')
  assert.match(await a.ok('network', 'ls'), /docker_gwbridge +bridge +local/)
  const hosts = await a.ok('exec', 'server', 'cat', '/etc/hosts')
  assert.equal(hosts.match(/^\d+\.\d+\.\d+\.\d+\t/gm)?.length, 2, hosts)
  // Containers do not see each other there.
  const gateways = await a.call('GET', '/networks/docker_gwbridge')
  const other = (Object.values(gateways.Containers) as { Name: string; IPv4Address: string }[]).map(
    ({ IPv4Address }) => IPv4Address.split('/')[0]!,
  )
  assert.equal(other.length, 2)
  for (const address of other) {
    const own = (await a.ok('exec', 'one', 'ip', '-o', 'addr')).includes(`${address}/`)
    if (!own) assert.equal(await pings(a, 'one', address), false)
  }
  await a.ok('rm', '-f', 'server')
  await b.ok('network', 'create', '-d', 'overlay', '--internal', 'closed')
  await idle(b, 'closed', 'inner')
  await knows(c, 'closed')
  await idle(c, 'closed', 'other')
  await reaches(b, 'inner', 'other')
  assert.equal(await pings(b, 'inner', here), false)
  assert.doesNotMatch(await b.ok('exec', 'inner', 'ip', 'route'), /default/)
  await b.ok('rm', '-f', 'inner')
  await c.ok('rm', '-f', 'other')
})

test('no address is given twice, however many hosts start containers at once', async () => {
  await a.ok('network', 'create', '-d', 'overlay', '--subnet', '10.44.0.0/28', 'small')
  for (const daemon of [b, c]) await knows(daemon, 'small')
  // 16 addresses, less the subnet's own, the broadcast address and the gateway's.
  const started = await Promise.all(
    [a, b, c].flatMap((daemon) =>
      Array.from({ length: 5 }, async (_, number) => {
        const name = `s${String(number)}`
        const { exitCode, stderr } = await daemon.docker(
          'run',
          '-d',
          '--name',
          name,
          '--network',
          'small',
          'busybox',
          'sleep',
          '100000',
        )
        return { daemon, name, ok: exitCode === 0, stderr }
      }),
    ),
  )
  const running = started.filter(({ ok }) => ok)
  const failed = started.filter(({ ok }) => !ok)
  assert.equal(running.length, 13, started.map(({ stderr }) => stderr).join(''))
  for (const { stderr } of failed)
    assert.match(stderr, /no available IPv4 addresses on this network's address pools: small/)
  const addresses = await Promise.all(running.map(({ daemon, name }) => addressIn(daemon, 'small', name)))
  assert.equal(new Set(addresses).size, 13, addresses.join(' '))
  const refused = await b.docker(
    'run',
    '--rm',
    '--network',
    'small',
    '--ip',
    addresses[0]!,
    'busybox',
    'true',
  )
  assert.match(refused.stderr, /Address already in use/)
  const inUse = await c.docker('network', 'rm', 'small')
  assert.match(inUse.stderr, /has active endpoints/)
  await Promise.all(started.map(({ daemon, name }) => daemon.ok('rm', '-f', name)))
  await lists(c, 'small', [])
  assert.equal(await idle(c, 'small', 'last', '--ip', addresses[0]!), addresses[0])
  await c.ok('rm', '-f', 'last')
  await b.ok('network', 'rm', 'small')
  await until(
    'it is gone everywhere',
    async () => (await c.docker('network', 'inspect', 'small')).exitCode !== 0,
  )
})
