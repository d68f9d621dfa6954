import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { Cluster, knows, lists } from './cluster.ts'

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

for (const point of ['network.overlay.published', 'network.create.recorded']) {
  test(`killed at ${point}, the daemon comes back and the network is whole or is not`, async () => {
    await a.terminate()
    await a.restart({ ...cluster.options[0], env: { WHARF_FAILPOINTS: `${point}=1*kill` } })
    await a.docker('network', 'create', '-d', 'overlay', 'torn')
    await a.ended()
    await a.restart(cluster.options[0])
    await knows(a, 'torn')
    await knows(b, 'torn')
    await b.ok('network', 'rm', 'torn')
    await until('it is gone', async () => (await a.docker('network', 'inspect', 'torn')).exitCode !== 0)
  })
}

for (const point of ['network.sandbox.recorded', 'network.sandbox.attached']) {
  test(`killed at ${point}, the daemon gives the address back`, async () => {
    await a.terminate()
    await a.restart({ ...cluster.options[0], env: { WHARF_FAILPOINTS: `${point}=1*kill` } })
    await knows(a, 'web')
    await a.docker('run', '-d', '--name', 'torn', '--network', 'web', 'busybox', 'sleep', '1000')
    await a.ended()
    await a.restart(cluster.options[0])
    await lists(b, 'web', [])
    assert.ok((await a.docker('rm', '-f', 'torn')).exitCode === 0)
    await until('nothing stands', async () => !(await stands(0, a)))
  })
}
