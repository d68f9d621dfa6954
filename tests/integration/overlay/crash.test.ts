import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { addressIn, Cluster, idle, knows, lists, pings, reaches, resolves } from './cluster.ts'

let cluster: Cluster
let a: Wharfd
let b: Wharfd

before(async () => {
  cluster = await Cluster.start('a', 'b')
  ;[a, b] = cluster.daemons as [Wharfd, Wharfd]
  await a.ok('network', 'create', '-d', 'overlay', 'web')
  await knows(b, 'web')
})
after(() => cluster[Symbol.asyncDispose]())

/** Tells whether a host has a namespace for a network. */
async function stands(index: number, daemon: Wharfd): Promise<boolean> {
  const { Id } = await daemon.call('GET', '/networks/web')
  const found = await cluster.hosts[index]!.run('ls', `${daemon.root}/run/overlay`)
  return found.stdout.includes(Id)
}

test('a daemon that is killed and comes back loses nothing, nor hears late what happened meanwhile', async () => {
  const one = await idle(a, 'web', 'one')
  const two = await idle(b, 'web', 'two')
  const three = await idle(b, 'web', 'three')
  await reaches(a, 'one', two)
  await a.kill()
  // Nobody notices, longer than its lease and the grace: its container answers.
  await until('it was asked', () => /silent answers .*container=one/.test(b.log()))
  assert.ok(await pings(b, 'two', one))
  await lists(b, 'web', ['one', 'two', 'three'])
  // One that went, and one that came: with other addresses than those that are known.
  await b.ok('rm', '-f', 'three')
  const late = await idle(b, 'web', 'late', '--ip', '10.0.0.77')
  await a.restart()
  await resolves(a, 'one', { asked: 'late', addresses: [late] })
  await resolves(a, 'one', { asked: 'three', addresses: [] })
  await reaches(a, 'one', late)
  assert.equal(await addressIn(a, 'web', 'one'), one)
  const { Id } = await a.call('GET', '/networks/web')
  const inside = ['nsenter', `--net=${a.root}/run/overlay/${Id}`]
  const table = await cluster.hosts[0]!.run(...inside, 'ip', 'neigh', 'show', 'nud', 'permanent')
  assert.ok(table.stdout.includes(late) && !table.stdout.includes(`${three} `), table.stdout)
  await b.ok('rm', '-f', 'late')
  await lists(a, 'web', ['one', 'two'])
})

test('a host that loses power and comes back starts its containers again, and gives back what ended', async () => {
  await idle(b, 'web', 'always', '--restart', 'always')
  await lists(a, 'web', ['one', 'two', 'always'])
  await b.boot()
  await lists(a, 'web', ['one', 'always'])
  await reaches(a, 'one', 'always')
  await reaches(b, 'always', 'one')
  await b.ok('start', 'two')
  await reaches(a, 'one', 'two')
})

test('a host that is gone for good loses its addresses after the grace', async () => {
  const two = await addressIn(b, 'web', 'two')
  await b.powerOff()
  await lists(a, 'web', ['one'])
  await resolves(a, 'one', { asked: 'two', addresses: [] })
  assert.equal(await idle(a, 'web', 'heir', '--ip', two), two)
  await b.restart()
  await until('what was restarted has an address', async () => (await addressIn(b, 'web', 'always')) !== '')
  await reaches(b, 'always', 'heir')
  await a.ok('rm', '-f', 'heir')
  await b.ok('rm', '-f', 'always')
})

test('with its last container the network goes from a host, and the namespace with it', async () => {
  assert.ok(await stands(0, a))
  await a.ok('rm', '-f', 'one')
  await until('it is gone', async () => !(await stands(0, a)))
  await idle(a, 'web', 'one')
  assert.ok(await stands(0, a))
  await a.ok('rm', '-f', 'one')
})
