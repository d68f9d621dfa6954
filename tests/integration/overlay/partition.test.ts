import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { addressIn, Cluster, idle, knows, lists, pings, reaches } from './cluster.ts'

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

test('a host that is cut off for a while keeps its containers and their addresses', async () => {
  const [, host] = cluster.hosts
  cluster.wire.plug(host!, false)
  await until('it does not answer', async () => !(await pings(a, 'one', 'two')))
  // What has a place there works on.
  assert.ok(await pings(b, 'two', await addressIn(b, 'web', 'two')))
  cluster.wire.plug(host!, true)
  await reaches(a, 'one', 'two')
  await reaches(b, 'two', 'one')
  await idle(b, 'web', 'three')
  await reaches(a, 'one', 'three')
  await b.ok('rm', '-f', 'three')
})

test('a host that was cut off for longer than the grace loses addresses that were given away, and only those', async () => {
  const two = await addressIn(b, 'web', 'two')
  await idle(b, 'web', 'four')
  await lists(a, 'web', ['one', 'two', 'four'])
  const [, host] = cluster.hosts
  cluster.wire.plug(host!, false)
  await lists(a, 'web', ['one'])
  assert.equal(await idle(a, 'web', 'heir', '--ip', two), two)
  cluster.wire.plug(host!, true)
  await lists(a, 'web', ['one', 'heir', 'four'])
  await reaches(a, 'one', 'four')
  await reaches(b, 'four', two)
  await until('the container has lost its place', async () => (await addressIn(b, 'web', 'two')) === '')
  assert.match(b.log(), /lost its place in an overlay network/)
  await b.ok('restart', '-t', '0', 'two')
  await until('it has a place again', async () => (await addressIn(b, 'web', 'two')) !== '')
  await reaches(a, 'heir', 'two')
})
