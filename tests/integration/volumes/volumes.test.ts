import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('volumes', () => {
  let daemon: Wharfd | null = null
  const engine = (): Wharfd => daemon as Wharfd
  const dataOf = (name: string): string => `${engine().root}/data/volumes/${name}/_data`

  before(async () => {
    daemon = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await daemon?.stop()
  })

  test('keep what a container wrote for the next one', async () => {
    await engine().ok('run', '--rm', '-v', 'kept:/v', 'busybox', 'sh', '-c', 'echo hello > /v/f')
    assert.equal(readFileSync(`${dataOf('kept')}/f`, 'utf8'), 'hello\n')
    assert.equal(await engine().ok('run', '--rm', '-v', 'kept:/v:ro', 'busybox', 'cat', '/v/f'), 'hello')
  })

  test('cannot be removed while a container uses them', async () => {
    const id = await engine().ok('create', '--name', 'user', '-v', 'used:/v', 'busybox')
    const refused = await engine().api('DELETE', '/volumes/used?force=1')
    assert.equal(refused.status, 409)
    assert.equal(refused.body.message, `remove used: volume is in use - [${id}]`)
    await engine().ok('rm', 'user')
    assert.equal((await engine().api('DELETE', '/volumes/used')).status, 204)
    assert.equal(existsSync(`${engine().root}/data/volumes/used`), false)
    const files = (): string[] => readdirSync(`${engine().root}/data/volumes`)
    await until('its files are gone', () => !files().some((name) => name.startsWith('.removed-')))
  })

  test('of the type tmpfs are mounted while a container runs', async () => {
    const flags = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=1m']
    await engine().ok('volume', 'create', ...flags, 'memory')
    await engine().ok('run', '-d', '--name', 'holder', '-v', 'memory:/v', 'busybox', 'sleep', '1000')
    assert.match(await engine().ok('exec', 'holder', 'df', '-k', '/v'), /tmpfs +1024 /)
    const isMounted = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(dataOf('memory'))
    assert.equal(isMounted(), true)
    await engine().crash()
    assert.equal(isMounted(), true)
    await engine().ok('rm', '-f', 'holder')
    await until('it is unmounted', () => !isMounted())
    await engine().ok('volume', 'rm', 'memory')
  })

  test('bind a directory of the host', async () => {
    const source = `${engine().root}/source`
    mkdirSync(source)
    writeFileSync(`${source}/f`, 'of the host')
    const flags = ['--opt', 'type=none', '--opt', `device=${source}`, '--opt', 'o=bind']
    await engine().ok('volume', 'create', ...flags, 'bound')
    assert.equal(await engine().ok('run', '--rm', '-v', 'bound:/v', 'busybox', 'cat', '/v/f'), 'of the host')
    await engine().ok('volume', 'rm', 'bound')
    assert.equal(readFileSync(`${source}/f`, 'utf8'), 'of the host')
  })

  test('without a name go with their container, or by prune', async () => {
    await engine().ok('run', '--rm', '-v', '/v', 'busybox', 'true')
    await engine().ok('run', '--name', 'left', '-v', '/v', 'busybox', 'true')
    await engine().ok('rm', 'left')
    await engine().ok('volume', 'create', 'named')
    const before = (await engine().call('GET', '/volumes?filters={"dangling":["true"]}')) as {
      Volumes: { Name: string; Labels: Record<string, string> | null }[]
    }
    const anonymous = before.Volumes.filter(({ Labels }) => Labels?.['com.docker.volume.anonymous'] === '')
    assert.equal(anonymous.length, 1)
    const pruned = (await engine().call('POST', '/v1.51/volumes/prune')) as { VolumesDeleted: string[] }
    assert.deepEqual(pruned.VolumesDeleted, [anonymous[0]?.Name])
    const all = (await engine().call('POST', '/v1.41/volumes/prune')) as { VolumesDeleted: string[] }
    assert.ok(all.VolumesDeleted.includes('named'))
  })

  test('are listed by their filters', async () => {
    await engine().ok('volume', 'create', '--label', 'tier=front', 'listed-a')
    await engine().ok('volume', 'create', '--label', 'tier=back', 'listed-b')
    const names = async (...filters: string[]): Promise<string> =>
      engine().ok('volume', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter]))
    assert.equal(await names('label=tier=front'), 'listed-a')
    assert.equal(await names('label=tier', 'name=listed'), 'listed-a\nlisted-b')
    assert.equal(await names('driver=other'), '')
    const refused = await engine().docker('volume', 'ls', '--filter', 'nonsense=1')
    assert.match(refused.stderr, /invalid filter 'nonsense'/)
  })

  test('are the same when made twice, and refused with another driver', async () => {
    const first = await engine().call('POST', '/volumes/create', { Name: 'twice', Labels: { a: 'b' } })
    const second = await engine().call('POST', '/volumes/create', { Name: 'twice' })
    assert.deepEqual(second, first)
    const other = await engine().api('POST', '/volumes/create', { Name: 'twice', Driver: 'other' })
    assert.equal(other.status, 409)
    const unknown = await engine().api('POST', '/volumes/create', { Name: 'new', Driver: 'other' })
    assert.deepEqual(unknown.body, {
      message: 'create new: error looking up volume plugin other: plugin "other" not found',
    })
  })

  for (const name of ['../etc', 'a', 'a/b', '.hidden', 'a b', `x${'y'.repeat(300)}`]) {
    test(`cannot be called ${name.slice(0, 10)}`, async () => {
      assert.equal((await engine().api('POST', '/volumes/create', { Name: name })).status, 400)
    })
  }

  for (const point of ['volumes.remove.marked', 'volumes.remove.renamed']) {
    test(`that were being removed at ${point} are gone after the next start`, async () => {
      await engine().call('POST', '/volumes/create', { Name: 'doomed' })
      await engine().terminate()
      await engine().restart({ env: { WHARF_FAILPOINTS: `${point}=1*kill` } })
      await engine()
        .api('DELETE', '/volumes/doomed')
        .catch(() => null)
      await engine().ended()
      await engine().restart({})
      assert.equal((await engine().api('GET', '/volumes/doomed')).status, 404)
      assert.equal(existsSync(dataOf('doomed')), false)
    })
  }
})
