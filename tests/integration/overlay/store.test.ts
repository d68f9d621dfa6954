import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { addressIn, Cluster, idle, knows, lists, reaches, resolves } from './cluster.ts'

let cluster: Cluster
let a: Wharfd
let b: Wharfd

before(async () => {
  cluster = await Cluster.start('a', 'b')
  ;[a, b] = cluster.daemons as [Wharfd, Wharfd]
  await a.ok('network', 'create', '-d', 'overlay', 'web')
  await knows(b, 'web')
  await idle(a, 'web', 'one')
  await idle(b, 'web', 'two')
  await reaches(a, 'one', 'two')
  await reaches(b, 'two', 'one')
})
after(() => cluster[Symbol.asyncDispose]())

/** Counts what is lost while something happens: a ping each 100 ms from one host to the other. */
async function lostDuring(work: () => Promise<void>): Promise<number> {
  await a.ok('exec', '-d', 'one', 'sh', '-c', 'echo $$ >/pid; exec ping -i 0.1 -W 1 two >/log 2>&1')
  await until('it pings', async () => (await a.ok('exec', 'one', 'cat', '/log')).includes('seq=2'))
  await work()
  await a.ok('exec', 'one', 'sh', '-c', 'kill -INT $(cat /pid)')
  const log = await until('it has counted', async () => {
    const text = await a.ok('exec', 'one', 'cat', '/log')
    return text.includes('transmitted') ? text : null
  })
  const [, sent = '0', received = '-1'] = /(\d+) packets transmitted, (\d+) packets received/.exec(log) ?? []
  return Number(sent) - Number(received)
}

test('without etcd what runs goes on, what is new fails in words, and a daemon that starts still knows the names', async () => {
  const lost = await lostDuring(async () => {
    await cluster.etcd.kill()
    const refused = await Promise.all([
      a.docker('run', '--rm', '--network', 'web', 'busybox', 'true'),
      b.docker('network', 'create', '-d', 'overlay', 'late'),
    ])
    for (const { stderr } of refused) assert.match(stderr, /cannot reach the cluster store at http:/)
    // Other networks are not concerned.
    await a.ok('run', '--rm', 'busybox', 'true')
    await a.crash()
    await resolves(a, 'one', { asked: 'two', addresses: [await addressIn(b, 'web', 'two')] })
    await reaches(a, 'one', 'two')
    await b.ok('rename', 'two', 'zwei')
    await b.ok('run', '-d', '--name', 'gone', 'busybox', 'sleep', '1000')
    cluster.etcd.start()
    await cluster.etcd.ready()
  })
  assert.ok(lost <= 1, `${String(lost)} lost`)
  await reaches(a, 'one', 'zwei')
  await lists(a, 'web', ['one', 'zwei'])
  await b.ok('rename', 'zwei', 'two')
})

test('a container that ends while etcd is away gives its address back when it is there again', async () => {
  const brief = await idle(b, 'web', 'brief')
  await lists(a, 'web', ['one', 'two', 'brief'])
  await cluster.etcd.kill()
  await b.ok('rm', '-f', 'brief')
  cluster.etcd.start()
  await cluster.etcd.ready()
  await lists(a, 'web', ['one', 'two'])
  assert.equal(await idle(a, 'web', 'brief', '--ip', brief), brief)
  await a.ok('rm', '-f', 'brief')
})

test('an etcd that has lost all its data is told again', async () => {
  await a.ok('network', 'create', '-d', 'overlay', 'unused')
  await knows(b, 'unused')
  await cluster.etcd.kill()
  cluster.etcd.forget()
  cluster.etcd.start()
  await cluster.etcd.ready()
  await until(
    'what nobody uses is gone',
    async () => (await b.docker('network', 'inspect', 'unused')).exitCode !== 0,
  )
  await lists(a, 'web', ['one', 'two'])
  await lists(b, 'web', ['one', 'two'])
  await reaches(a, 'one', 'two')
  const three = await idle(a, 'web', 'three')
  assert.ok(![await addressIn(a, 'web', 'one'), await addressIn(b, 'web', 'two')].includes(three))
  await a.ok('rm', '-f', 'three')
})
