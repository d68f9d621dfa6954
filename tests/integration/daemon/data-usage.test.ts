/** `system df -v`: every byte below the data root has an owner, and the sum is what du(1) says. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { mountTable } from '#kernel/mounts.ts'
import type { DataUsage } from '#spec/data-usage.ts'
import { run } from '../../support/engine.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharfOk } from '../cli/wharf-cli.ts'

let daemon: Wharfd

before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

const usage = async (): Promise<DataUsage> => (await daemon.call('GET', '/wharf/data-usage')) as DataUsage

/** What du counts on this file system below the data root, leaving out what is mounted there. */
async function du(): Promise<number> {
  const root = `${daemon.root}/data`
  const mounted = mountTable().filter(({ mountPoint }) => mountPoint.startsWith(`${root}/`))
  const exclude = mounted.map(({ mountPoint }) => `--exclude=${mountPoint}`)
  const { stdout } = await run(['du', '-s', '--block-size=1', ...exclude, root])
  return Number(stdout.split('\t')[0])
}

function sizeOf(found: DataUsage, kind: string): number {
  return found.Items.filter(({ Kind }) => Kind === kind).reduce((sum, { Size }) => sum + Size, 0)
}

test('all is attributed, and the sum is what du says', async () => {
  await daemon.ok('volume', 'create', 'kept')
  await daemon.ok(
    'run',
    '--name',
    'writer',
    '-v',
    'kept:/v',
    'busybox',
    'sh',
    '-c',
    'seq 100000; seq 200000 > /own; seq 300000 > /v/f',
  )
  await daemon.ok('run', '-d', '--name', 'running', 'busybox', 'sleep', '1000')
  const context = scratchDirectory('context')
  writeFileSync(`${context}/Dockerfile`, 'FROM busybox\nRUN seq 100000 > /built\n')
  await daemon.ok('build', '-t', 'made:built', context, { env: { DOCKER_BUILDKIT: '0' } })
  await until('the sum is what du says', async () => (await usage()).Size === (await du()))
  const found = await usage()
  assert.deepEqual(
    found.Items.filter(({ Kind }) => Kind === 'orphan'),
    [],
  )
  assert.equal(
    found.Items.reduce((sum, { Size }) => sum + Size, 0),
    found.Size,
  )
  const own = found.Items.find(({ Kind, Name }) => Kind === 'container' && Name === 'writer')
  assert.ok((own?.Size ?? 0) >= 1_288_894)
  assert.ok(
    (found.Items.find(({ Kind, Name }) => Kind === 'volume' && Name === 'kept')?.Size ?? 0) >= 1_988_895,
  )
  assert.ok(sizeOf(found, 'log') >= 588_895)
  assert.ok(sizeOf(found, 'database') > 0)
  const layers = found.Items.filter(({ Kind }) => Kind === 'layer')
  assert.ok(layers.some(({ For }) => /busybox:latest/.test(For) && /made:built/.test(For)))
})

test('names what belongs to nobody', async () => {
  const root = `${daemon.root}/data`
  mkdirSync(`${root}/volumes/stray`)
  writeFileSync(`${root}/volumes/stray/file`, 'x'.repeat(10_000))
  mkdirSync(`${root}/layers/${'0'.repeat(64)}`)
  mkdirSync(`${root}/containers/${'1'.repeat(64)}`)
  writeFileSync(`${root}/containers/${'1'.repeat(64)}/left.log`, '')
  writeFileSync(`${root}/somebody`, '')
  const orphans = (await usage()).Items.filter(({ Kind }) => Kind === 'orphan')
  assert.deepEqual(orphans.map(({ Path }) => Path).sort(), [
    `containers/${'1'.repeat(64)}`,
    `containers/${'1'.repeat(64)}/left.log`,
    `layers/${'0'.repeat(64)}`,
    'somebody',
    'volumes/stray',
  ])
  const text = await wharfOk(daemon, ['system', 'df', '-v'])
  assert.match(text, /^Data root usage: \S+ in \/.*\/data$/m)
  assert.match(text, /^orphan +volumes\/stray +1\d\.\dkB/m)
  const json = JSON.parse(await wharfOk(daemon, ['system', 'df', '-v', '--format', 'json'])) as {
    DataRoot: DataUsage
  }
  assert.equal(json.DataRoot.Root, root)
})
