import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { TestPlugin } from '../../support/plugin.ts'
import { scratchDirectory, scratchTag } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { VolumeDisk } from '../../support/volume-plugin.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('volume plugins', () => {
  const name = `disk-${scratchTag}`
  const disk = new VolumeDisk(scratchDirectory('p'))
  let plugin: TestPlugin | null = null
  let daemon: Wharfd | null = null
  const engine = (): Wharfd => daemon as Wharfd
  const fails = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stderr } = await engine().docker(...args)
    assert.notEqual(exitCode, 0, args.join(' '))
    return stderr.split('\n')[0]!.replace(/^docker: /, '')
  }

  before(async () => {
    plugin = await disk.start(name)
    daemon = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await daemon?.stop()
    await plugin?.stop()
  })

  test('create passes options, inspect shows what the plugin says, rm removes there', async () => {
    disk.scope = 'global'
    await engine().ok('volume', 'create', '-d', name, '-o', 'size=1', '--label', 'a=b', 'one')
    assert.deepEqual(JSON.parse(await engine().ok('volume', 'inspect', 'one')), [
      {
        CreatedAt: '0001-01-01T00:00:00Z',
        Driver: name,
        Labels: { a: 'b' },
        Mountpoint: '',
        Name: 'one',
        Options: { size: '1' },
        Scope: 'global',
        Status: { options: { size: '1' } },
      },
    ])
    assert.equal(await engine().ok('volume', 'ls', '-q', '-f', `driver=${name}`), 'one')
    assert.match(await engine().ok('info', '-f', '{{json .Plugins.Volume}}'), new RegExp(`"${name}"`))
    assert.match(
      await fails('volume', 'create', 'one'),
      /create one: driver 'disk-.*' already has volume 'one': volume name must be unique$/,
    )
    await engine().ok('volume', 'rm', 'one')
    assert.equal(disk.volumes.has('one'), false)
    disk.scope = 'local'
  })

  test('a container has it mounted while it runs', async () => {
    await engine().ok(
      'run',
      '-d',
      '--name',
      'user',
      '-v',
      'two:/data',
      '--volume-driver',
      name,
      'busybox',
      'top',
    )
    await engine().ok('exec', 'user', 'sh', '-c', 'echo inside > /data/file')
    assert.equal(readFileSync(`${disk.directory}/two/file`, 'utf8'), 'inside\n')
    assert.equal(disk.isMounted('two'), true)
    assert.match(await fails('volume', 'rm', 'two'), /remove two: volume is in use - \[/)
    await engine().ok('stop', '-t', '0', 'user')
    await until('it is unmounted', () => !disk.isMounted('two'))
    await engine().ok('start', 'user')
    assert.equal(disk.isMounted('two'), true)
    await engine().ok('rm', '-f', 'user')
    await until('it is unmounted', () => !disk.isMounted('two'))
    await engine().ok('volume', 'rm', 'two')
  })

  test('volumes that were made without us are found by name', async () => {
    disk.volumes.set('outside', {
      Name: 'outside',
      Mountpoint: `${disk.directory}/outside`,
      Status: { k: 1 },
    })
    const [shown] = JSON.parse(await engine().ok('volume', 'inspect', 'outside')) as [Record<string, unknown>]
    assert.deepEqual([shown['Driver'], shown['Status']], [name, { k: 1 }])
    disk.volumes.set('outside', { Name: 'outside' })
    mkdirSync(`${disk.directory}/outside`)
    await engine().ok('run', '--rm', '-v', 'outside:/o', 'busybox', 'touch', '/o/made')
    assert.equal(readFileSync(`${disk.directory}/outside/made`, 'utf8'), '')
    await engine().ok('volume', 'rm', 'outside')
    assert.equal(disk.volumes.has('outside'), false)
  })

  test('an empty volume gets what the image has there', async () => {
    const listed = await engine().ok(
      'run',
      '--rm',
      '-v',
      'etc:/etc',
      '--volume-driver',
      name,
      'busybox',
      'ls',
      '/etc',
    )
    assert.match(listed, /passwd/)
    assert.match(readFileSync(`${disk.directory}/etc/passwd`, 'utf8'), /root/)
    await engine().ok('volume', 'rm', 'etc')
  })

  test('what the plugin refuses is told in its words', async () => {
    disk.refusals.set('VolumeDriver.Create', 'no room')
    assert.equal(
      await fails('volume', 'create', '-d', name, 'bad'),
      'Error response from daemon: create bad: no room',
    )
    disk.refusals.clear()
    await engine().ok('volume', 'create', '-d', name, 'bad')
    disk.refusals.set('VolumeDriver.Mount', 'cannot mount')
    assert.equal(
      await fails('run', '--rm', '-v', 'bad:/b', 'busybox', 'true'),
      "Error response from daemon: error while mounting volume '': cannot mount",
    )
    disk.refusals.clear()
    disk.refusals.set('VolumeDriver.Remove', 'cannot remove')
    assert.equal(await fails('volume', 'rm', 'bad'), 'Error response from daemon: remove bad: cannot remove')
    disk.refusals.clear()
    await engine().ok('volume', 'rm', 'bad')
    assert.equal(
      await fails('volume', 'create', '-d', 'nobody', 'x1'),
      'Error response from daemon: create x1: error looking up volume plugin nobody: plugin "nobody" not found',
    )
  })

  test('a plugin that is down is named, its volumes are listed all the same, and it is found when it is back', async () => {
    await engine().ok('volume', 'create', '-d', name, 'kept')
    await plugin!.stop()
    assert.equal(await engine().ok('volume', 'ls', '-q', '-f', `driver=${name}`), 'kept')
    assert.match(
      await fails('volume', 'inspect', 'kept'),
      /get kept: error while checking if volume "kept" exists in driver "disk-/,
    )
    plugin = await disk.start(name)
    await engine().ok('volume', 'inspect', 'kept')
    disk.volumes.delete('kept')
    assert.match(await fails('volume', 'inspect', 'kept'), /get kept: no such volume$/)
    await engine().ok('volume', 'rm', '-f', 'kept')
  })

  test('the daemon starts while the plugin is down, and containers keep their volumes', async () => {
    await engine().ok(
      'run',
      '-d',
      '--name',
      'lives',
      '-v',
      'live:/l',
      '--volume-driver',
      name,
      'busybox',
      'top',
    )
    await plugin!.stop()
    await engine().crash()
    assert.equal(await engine().ok('inspect', '-f', '{{.State.Running}}', 'lives'), 'true')
    await engine().ok('exec', 'lives', 'touch', '/l/still')
    plugin = await disk.start(name)
    await engine().ok('rm', '-f', 'lives')
    await until('it is unmounted', () => !disk.isMounted('live'))
    await engine().ok('volume', 'rm', 'live')
  })

  for (const point of ['volumes.mount.recorded', 'volumes.mount.mounted', 'volumes.unmount.unmounted']) {
    test(`killed at ${point}, the daemon unmounts what no container has`, async () => {
      await engine().ok('volume', 'create', '-d', name, 'crash')
      await engine().terminate()
      await engine().restart({ env: { WHARF_FAILPOINTS: `${point}=1*kill` } })
      await engine().docker('run', '--name', 'dies', '-v', 'crash:/c', 'busybox', 'true')
      await engine().ended()
      await engine().restart({})
      await until('nothing is mounted', () => !disk.isMounted('crash'))
      await engine().docker('rm', '-f', 'dies')
      await engine().ok('run', '--rm', '-v', 'crash:/c', 'busybox', 'true')
      await until('nothing is mounted', () => !disk.isMounted('crash'))
      await engine().ok('volume', 'rm', 'crash')
    })
  }

  test('killed while a volume is removed, it is gone', async () => {
    await engine().ok('volume', 'create', '-d', name, 'gone')
    await engine().terminate()
    await engine().restart({ env: { WHARF_FAILPOINTS: 'volumes.remove.before-forget=1*kill' } })
    await engine().docker('volume', 'rm', 'gone')
    await engine().ended()
    await engine().restart({})
    assert.match(await fails('volume', 'inspect', 'gone'), /no such volume/)
    await engine().ok('volume', 'create', '-d', name, 'gone')
    await engine().ok('volume', 'rm', 'gone')
  })
})
