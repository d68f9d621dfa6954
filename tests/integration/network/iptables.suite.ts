import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { addressOf, NetworkRoot } from './network-root.ts'
import { Outside } from './outside.ts'

/** Declares the tests of one variant of Debian's iptables. */
export function testIptables(variant: 'iptables-nft' | 'iptables-legacy'): void {
  const missing = existsSync(`/usr/sbin/${variant}-restore`) ? false : `this machine has no ${variant}`
  describe(`firewall-backend ${variant}`, { skip: missing }, () => testBackend(variant))
}

function testBackend(variant: 'iptables-nft' | 'iptables-legacy'): void {
  const root = new NetworkRoot({ firewallBackend: variant })
  const outside = new Outside()
  const port = randomInt(20_000, 30_000)
  after(async () => {
    await root[Symbol.asyncDispose]()
    outside[Symbol.dispose]()
    if (variant === 'iptables-legacy') return
    // It makes tables of its own and never takes them away.
    const tables = (await root.run(null, 'nft', 'list', 'tables')).split('\n')
    for (const table of tables.filter((line) => /^table ip6? (raw|nat|filter)$/.test(line))) {
      await root.run(null, 'nft', 'delete', ...table.split(' '))
    }
  })

  const published = (at: number, ip = '') => ({
    portBindings: { '80/tcp': [{ HostIp: ip, HostPort: String(at) }] },
  })
  const save = (program = variant as string): Promise<string> => root.run(null, `${program}-save`)

  test('ports answer here, outside, to their own container and to others; other ports do not', async () => {
    await root.open()
    const a = await root.sandbox({ more: published(port) })
    const b = await root.sandbox()
    await root.serve(a.netnsPath, 80, 'from-a')
    await root.serve(a.netnsPath, 81, 'hidden')
    const address = addressOf(a, 'bridge')
    await root.answers('from-a', null, '127.0.0.1', port)
    await root.answers('from-a', null, outside.here, port)
    await root.answers('from-a', null, '::1', port)
    await root.answers('from-a', outside.netnsPath, outside.here, port)
    await root.answers('from-a', a.netnsPath, outside.here, port)
    await root.answers('from-a', b.netnsPath, outside.here, port)
    await root.answers('hidden', b.netnsPath, address, 81)
    await root.serve(outside.netnsPath, 90, 'world')
    await root.answers('world', a.netnsPath, outside.there, 90)
    assert.equal(await root.reach(outside.netnsPath, address, 80), '')
    for (const { id } of [a, b]) await root.networks.release(id)
    assert.equal(await root.reach(null, '127.0.0.1', port), '')
  })

  test('loopback is for this host; networks are apart; internal has no way out', async () => {
    const a = await root.sandbox({ more: published(port + 1, '127.9.9.9') })
    await root.serve(a.netnsPath, 80, 'private')
    await root.answers('private', null, '127.9.9.9', port + 1)
    assert.equal(await root.reach(outside.netnsPath, '127.9.9.9', port + 1), '')
    await root.networks.create({ Name: 'other', EnableIPv6: true })
    await root.networks.create({ Name: 'inside', Internal: true })
    const b = await root.sandbox({ network: 'other', more: published(port + 2) })
    const c = await root.sandbox({ network: 'inside' })
    await root.serve(b.netnsPath, 80, 'b')
    await root.answers('b', a.netnsPath, outside.here, port + 2)
    await root.answers('b', null, b.endpoints['other']?.GlobalIPv6Address ?? '', 80)
    assert.equal(await root.reach(a.netnsPath, addressOf(b, 'other'), 80), '')
    assert.equal(await root.reach(c.netnsPath, outside.here, port + 2), '')
    for (const { id } of [a, b, c]) await root.networks.release(id)
  })

  test('DOCKER-USER comes first; what somebody flushes is back; nothing of ours is left in the end', async () => {
    const a = await root.sandbox({ more: published(port + 3) })
    await root.serve(a.netnsPath, 80, 'seen')
    await root.answers('seen', outside.netnsPath, outside.here, port + 3)
    await root.run(null, variant, '-A', 'DOCKER-USER', '-s', outside.there, '-j', 'DROP')
    assert.equal(await root.reach(outside.netnsPath, outside.here, port + 3), '')
    await root.run(null, variant, '-t', 'nat', '-F')
    await root.run(null, variant, '-F', 'FORWARD')
    await until('the port is back', async () => (await root.reach(null, outside.here, port + 3)) === 'seen')
    await until('the jump is back', async () => /-A FORWARD -j WHARF-/.test(await save()))
    assert.equal(await root.reach(outside.netnsPath, outside.here, port + 3), '')
    await root.run(null, variant, '-F', 'DOCKER-USER')
    await root.answers('seen', outside.netnsPath, outside.here, port + 3)
    await root.networks.release(a.id)
    await root.networks.prune(new Map())
    await root.close()
    for (const program of [variant, variant.replace('ip', 'ip6')]) {
      assert.doesNotMatch(await save(program), /WHARF|DOCKER-USER/)
    }
  })

  test('the other backend takes over, and this one again', async () => {
    await root.open()
    const a = await root.sandbox({ more: published(port + 4) })
    await root.serve(a.netnsPath, 80, 'stays')
    await root.close()
    for (const backend of ['nftables', variant] as const) {
      root.change({ firewallBackend: backend })
      await root.open([a.id])
      await root.answers('stays', outside.netnsPath, outside.here, port + 4)
      const tables = await root.run(null, 'nft', 'list', 'tables')
      assert.equal(tables.includes(`wharf_${root.bridge}`), backend === 'nftables')
      assert.equal((await save()).includes('WHARF'), backend !== 'nftables')
      if (backend === 'nftables') await root.close()
    }
    await root.networks.release(a.id)
  })

  test('a hundred containers that start at once share changes of the tables', async () => {
    const started = await Promise.all(
      Array.from({ length: 60 }, (_, index) => root.sandbox({ more: published(port + 100 + index) })),
    )
    const rules = (await save()).match(/-A WHARF-\S+-DNAT .*--to-destination/g) ?? []
    assert.equal(rules.length, 60)
    await Promise.all(started.map(({ id }) => root.networks.release(id)))
    assert.doesNotMatch(await save(), /--to-destination/)
  })
}
