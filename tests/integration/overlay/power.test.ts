import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { addressIn, Cluster, idle, knows, lists, reaches } from './cluster.ts'

let cluster: Cluster
let a: Wharfd
let b: Wharfd

before(async () => {
  cluster = await Cluster.start('a', 'b')
  ;[a, b] = cluster.daemons as [Wharfd, Wharfd]
  await a.ok('network', 'create', '-d', 'overlay', 'web')
  await knows(b, 'web')
  await idle(a, 'web', 'one', '--restart', 'always')
  await idle(b, 'web', 'four', '--restart', 'always')
  await reaches(a, 'one', 'four')
})
after(() => cluster[Symbol.asyncDispose]())

test('all hosts lose power, and etcd comes up later than they: what is to run always runs in the end', async () => {
  await cluster.etcd.kill()
  await Promise.all([a.boot(), b.boot()])
  await until('a start has failed', () => /restart a container.*cluster store/.test(a.log()))
  cluster.etcd.start()
  await cluster.etcd.ready()
  await until('they run', async () => {
    const addresses = await Promise.all([addressIn(a, 'web', 'one'), addressIn(b, 'web', 'four')])
    return addresses.every((address) => address !== '')
  })
  await reaches(a, 'one', 'four')
  await reaches(b, 'four', 'one')
  await lists(a, 'web', ['one', 'four'])
})
