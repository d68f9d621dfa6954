import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { EtcdServer, Wire, type Host, type TlsFiles } from '../../support/hosts.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { idle, knows, lists, optionsFor, reaches } from './cluster.ts'

const directory = scratchDirectory('tls')
let wire: Wire
let members: EtcdServer[]
let a: Wharfd
let b: Wharfd
let hosts: Host[]

before(async () => {
  wire = new Wire()
  const places = ['m1', 'm2', 'm3'].map((name) => wire.add(name))
  const tls = makeCertificates(places)
  members = places.map((host) => new EtcdServer(host, { members: places, tls }))
  for (const member of members) member.start()
  await Promise.all(members.map((member) => member.ready()))
  hosts = ['a', 'b'].map((name) => wire.add(name))
  const files = { 'kv.cacertfile': tls.ca, 'kv.certfile': tls.cert, 'kv.keyfile': tls.key }
  const servers = members.map(({ server }) => server)
  ;[a, b] = (await Promise.all([
    Wharfd.startWithBusybox(optionsFor(hosts[0]!, servers.join(','), files)),
    Wharfd.startWithBusybox(optionsFor(hosts[1]!, servers.toReversed().join(','), files)),
  ])) as [Wharfd, Wharfd]
})

after(async () => {
  await Promise.all([a.stop(), b.stop()])
  await Promise.all(members.map((member) => member.kill()))
  wire[Symbol.dispose]()
})

function makeCertificates(servers: readonly Host[]): TlsFiles {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout']
  openssl('req', '-x509', ...key, 'ca-key.pem', '-out', 'ca.pem', '-subj', '/CN=ca', '-days', '2')
  openssl('req', ...key, 'key.pem', '-out', 'request.pem', '-subj', '/CN=etcd')
  const names = servers.map(({ address }) => `IP:${address}`).join(',')
  writeFileSync(`${directory}/ext`, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`)
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2', '-extfile', 'ext']
  openssl('x509', '-req', '-in', 'request.pem', ...signer, '-out', 'cert.pem')
  return { ca: `${directory}/ca.pem`, cert: `${directory}/cert.pem`, key: `${directory}/key.pem` }
}

test('three members with TLS: one dies, another is cut off and returns, and all goes on', async () => {
  await a.ok('network', 'create', '-d', 'overlay', 'web')
  await knows(b, 'web')
  await idle(a, 'web', 'one')
  await members[0]!.kill()
  const two = await idle(b, 'web', 'two')
  await reaches(a, 'one', 'two')
  members[0]!.start()
  await members[0]!.ready()
  wire.plug(members[2]!.host, false)
  const three = await idle(a, 'web', 'three')
  assert.notEqual(three, two)
  await lists(b, 'web', ['one', 'two', 'three'])
  await reaches(b, 'two', 'three')
  wire.plug(members[2]!.host, true)
  await members[2]!.ready()
  await b.ok('rm', '-f', 'two')
  await lists(a, 'web', ['one', 'three'])
})

test('without a certificate that the store trusts, an overlay network fails in words', async () => {
  const options = optionsFor(hosts[0]!, members[0]!.server, { 'kv.cacertfile': `${directory}/ca.pem` })
  const stranger = await Wharfd.start({ ...options, host: { ...options.host!, name: 'stranger' } })
  try {
    const { stderr } = await stranger.docker('network', 'create', '-d', 'overlay', 'never')
    assert.match(stderr, /cannot reach the cluster store at https:.*(alert|certificate|closed|socket)/)
    await stranger.ok('network', 'create', 'local')
  } finally {
    await stranger.stop()
  }
})
