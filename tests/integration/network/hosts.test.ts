import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { Wire, type Host } from '../../support/hosts.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

let wire: Wire
let hosts: Host[]
/** A machine that runs no daemon. */
let stranger: Host
let a: Wharfd
let b: Wharfd

before(async () => {
  wire = new Wire()
  hosts = ['a', 'b'].map((name) => wire.add(name))
  stranger = wire.add('stranger')
  const start = (host: Host): Promise<Wharfd> =>
    Wharfd.startWithBusybox({ host: { netnsPath: host.netnsPath, name: host.name } })
  ;[a, b] = (await Promise.all(hosts.map(start))) as [Wharfd, Wharfd]
})
after(async () => {
  await Promise.all([a.stop(), b.stop()])
  wire[Symbol.dispose]()
})

/** Starts a server at TCP and UDP port 80 that answers with the address of its client. */
async function serve(daemon: Wharfd, name: string, ...flags: readonly string[]): Promise<void> {
  const answer = "netstat -tn | awk '$4 ~ /:80$/ { print $5; exit }'"
  const server = 'exec nc -ll -p 80 -e sh -c "$ANSWER"'
  await daemon.ok(
    'run',
    '-d',
    '--name',
    name,
    '-e',
    `ANSWER=${answer}`,
    ...flags,
    'busybox',
    'sh',
    '-c',
    server,
  )
  await until('it serves', async () => (await daemon.ok('exec', name, 'netstat', '-ln')).includes(':80 '))
}

/** What a server says to a program of a host, '' when it is not reached. */
async function ask(host: Host, address: string, port: number): Promise<string> {
  const { stdout } = await host.run('busybox', 'nc', '-w', '3', address, String(port))
  return stdout.trim().replace(/^::ffff:/, '')
}

async function answers(host: Host, ...target: readonly [address: string, port: number]): Promise<string> {
  return await until(
    `${host.name} reaches ${target.join(':')}`,
    async () => (await ask(host, ...target)) || null,
  )
}

test('published ports, seen from another machine: the client’s address is kept, loopback is not for it', async () => {
  const [host] = hosts as [Host]
  const published = ['8080:80', '8080:80/udp', `${host.address}:8081:80`, '127.0.0.1:8082:80']
  await serve(a, 'web', ...published.flatMap((port) => ['-p', port]))
  assert.match(await answers(stranger, host.address, 8080), new RegExp(`^${stranger.address}:`))
  assert.match(await answers(stranger, host.address, 8081), new RegExp(`^${stranger.address}:`))
  const { NetworkSettings } = await a.call('GET', '/containers/web/json')
  const echo =
    "const s = require('dgram').createSocket('udp4'); s.on('message', (m, p) => s.send('to ' + p.address, p.port, p.address)); s.bind(80)"
  const server = spawn('nsenter', [`--net=${NetworkSettings.SandboxKey}`, process.execPath, '-e', echo])
  await until('UDP is answered', async () => {
    const asked = await stranger.run('sh', '-c', `echo x | nc.openbsd -u -w 1 ${host.address} 8080`)
    return asked.stdout.includes(`to ${stranger.address}`)
  })
  server.kill()
  await answers(host, '127.0.0.1', 8082)
  assert.equal(await ask(stranger, host.address, 8082), '')
  assert.equal(await ask(host, host.address, 8082), '')
  // A neighbour that means ill sends packets for 127.0.0.1, and for the container itself, to the host.
  await stranger.run('sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1')
  await stranger.run('ip', 'route', 'replace', 'local', '127.0.0.0/8', 'dev', 'lo', 'table', 'local')
  await stranger.run('ip', 'route', 'add', '127.9.9.0/24', 'via', host.address)
  const inside = await a.ok('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'web')
  await stranger.run('ip', 'route', 'add', `${inside}/32`, 'via', host.address)
  assert.equal(await ask(stranger, '127.9.9.9', 8082), '')
  assert.equal(await ask(stranger, inside, 80), '')
})

test('containers of one host reach published ports of another, and their own by the host’s address', async () => {
  const [host, other] = hosts as [Host, Host]
  const asks = async (daemon: Wharfd, name: string): Promise<string> =>
    await until(`${name} reaches the port`, async () => {
      const { stdout } = await daemon.docker('exec', name, 'nc', '-w', '3', host.address, '8080')
      return stdout.trim() || null
    })
  await b.ok('run', '-d', '--name', 'client', 'busybox', 'sleep', '100000')
  assert.match(await asks(b, 'client'), new RegExp(`${other.address}:`))
  await a.ok('run', '-d', '--name', 'beside', 'busybox', 'sleep', '100000')
  await asks(a, 'beside')
  await asks(a, 'web')
  await b.ok('rm', '-f', 'client')
  await a.ok('rm', '-f', 'beside', 'web')
  assert.equal(await ask(stranger, host.address, 8080), '')
})

test('macvlan: containers of two hosts are machines on the wire', async () => {
  const base = wire.here.replace(/\.\d+$/, '')
  const create = (daemon: Wharfd, range: string, ...more: readonly string[]): Promise<string> =>
    daemon.ok(
      ...[
        'network',
        'create',
        '-d',
        'macvlan',
        '-o',
        'parent=eth0',
        '--subnet',
        `${base}.0/24`,
        '--gateway',
        wire.here,
      ],
      ...['--ip-range', `${base}.${range}`, ...more, 'lan'],
    )
  await create(a, '64/27')
  await create(b, '96/27')
  const mac = '02:42:00:00:12:34'
  await serve(a, 'one', '--network', 'lan', '--mac-address', mac)
  await b.ok('run', '-d', '--name', 'two', '--network', 'lan', 'busybox', 'sleep', '100000')
  assert.match(await answers(stranger, `${base}.64`, 80), new RegExp(`^${stranger.address}:`))
  assert.match((await stranger.run('ip', 'neigh', 'show', `${base}.64`)).stdout, new RegExp(mac))
  await until('two reaches one', async () => {
    const { stdout } = await b.docker('exec', 'two', 'nc', '-w', '3', `${base}.64`, '80')
    return stdout.includes(`${base}.96:`)
  })
  assert.equal((await b.docker('exec', 'two', 'ping', '-c', '1', '-W', '3', wire.here)).exitCode, 0)
  // Linux keeps a macvlan and the link beneath it apart.
  assert.equal(await ask(hosts[0]!, `${base}.64`, 80), '')
  await a.ok('rm', '-f', 'one')
  await b.ok('rm', '-f', 'two')
  await a.ok('network', 'rm', 'lan')
  await create(a, '64/27', '-o', 'macvlan_mode=private')
  await serve(a, 'hidden', '--network', 'lan')
  await a.ok('run', '-d', '--name', 'beside', '--network', 'lan', 'busybox', 'sleep', '100000')
  // The address had another MAC, which the neighbours remember: the new one is announced.
  await until(
    'the new MAC is known',
    async () => !(await stranger.run('ip', 'neigh', 'show', `${base}.64`)).stdout.includes(mac),
    { timeoutMs: 10_000 },
  )
  await answers(stranger, `${base}.64`, 80)
  const beside = await a.docker('exec', 'beside', 'nc', '-w', '2', `${base}.64`, '80')
  assert.equal(beside.stdout, '')
  await a.ok('rm', '-f', 'hidden', 'beside')
})
