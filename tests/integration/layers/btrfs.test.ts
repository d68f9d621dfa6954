/** The btrfs driver, on a btrfs of its own. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Digest } from '#base/digest.ts'
import { createSubvolume, isSubvolume } from '#kernel/btrfs.ts'
import { loopDisk } from '../../support/loop-disk.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { type Opened, open, run, streamOf, tarOf } from './fixture.ts'
import { storageDriverSuite } from './driver.suite.ts'

const disk = loopDisk('btrfs', '', 1000)
after(() => disk[Symbol.dispose]())
let made = 0

function directory(): string {
  const path = join(disk.root, `data${made++}`)
  mkdirSync(path)
  return path
}

storageDriverSuite('btrfs', { manyLayers: 150, directory, hasQuotas: true })

async function layer(opened: Opened, files: Readonly<Record<string, string>>): Promise<Digest> {
  const parts = Object.entries(files).map(([name, content]) => ({ name, content }))
  return (await opened.storage.layers.ingest({ stream: streamOf(tarOf(parts)) })).diffId
}

/** How many bytes of a tree are its own, and not shared with another file. */
function exclusiveBytes(path: string): number {
  const line = run('btrfs', ['filesystem', 'du', '--raw', '-s', path]).trim().split('\n').at(-1) as string
  return Number(line.trim().split(/\s+/)[1])
}

test('says what it is as dockerd does, and is refused elsewhere in its words', async () => {
  await using opened = open('btrfs', directory())
  assert.deepEqual(opened.storage.snapshots.driver, { name: 'btrfs', status: [['Btrfs', '']] })
  assert.throws(() => open('btrfs'), /prerequisites for driver not satisfied \(wrong filesystem\?\)/)
})

test('a snapshot is a subvolume that shares its blocks with the layers', async () => {
  await using opened = open('btrfs', directory())
  const { snapshots } = opened.storage
  const base = await layer(opened, { file: 'x'.repeat(5_000_000) })
  await snapshots.prepare('c', { layers: [base] })
  const root = await snapshots.mount('c')
  assert.ok(isSubvolume(root))
  assert.equal(exclusiveBytes(root), 0)
  writeFileSync(join(root, 'own'), Buffer.alloc(1_000_000, 1))
  run('sync', ['-f', root])
  assert.ok(exclusiveBytes(root) >= 1_000_000)
})

test('a stack is made from the largest part of it that is there, and goes with its layers', async () => {
  await using opened = open('btrfs', directory())
  const { snapshots, layers } = opened.storage
  const [one, two, three] = [
    await layer(opened, { a: '1', b: '1' }),
    await layer(opened, { b: '2' }),
    await layer(opened, { '.wh.a': '', c: '3' }),
  ] as const
  const stacks = (): string[] => readdirSync(join(opened.root, 'btrfs')).filter((name) => name !== 'base')
  await snapshots.prepare('two', { layers: [one, two] })
  // Seen in what is made from it, and only there.
  const [lower] = stacks() as [string]
  writeFileSync(join(opened.root, 'btrfs', lower, 'tree', 'mark'), '')
  await snapshots.prepare('three', { layers: [one, two, three] })
  assert.deepEqual(
    readdirSync(await snapshots.mount('three'))
      .filter((name) => name.length <= 4 && name < 'd')
      .sort(),
    ['b', 'c'],
  )
  assert.ok(readdirSync(await snapshots.mount('three')).includes('mark'))
  assert.equal(stacks().length, 2)
  await snapshots.remove('three')
  await layers.remove(three)
  await until('its stack is gone', () => stacks().length === 1)
  assert.equal(readFileSync(join(await snapshots.mount('two'), 'b'), 'utf8'), '2')
})

test('subvolumes that a container made go with it', async () => {
  await using opened = open('btrfs', directory())
  const { snapshots } = opened.storage
  await snapshots.prepare('c', { layers: [] })
  const root = await snapshots.mount('c')
  createSubvolume(join(root, 'inner'))
  createSubvolume(join(root, 'inner', 'most'))
  writeFileSync(join(root, 'inner', 'most', 'file'), '')
  await snapshots.remove('c')
  await until('the files are gone', () => readdirSync(join(opened.root, 'snapshots')).length === 0)
})

test('a snapshot holds no more than its size, whatever the image holds', async () => {
  using small = loopDisk('btrfs', '')
  await using opened = open('btrfs', join(small.root, 'data'))
  const { snapshots } = opened.storage
  const base = await layer(opened, { file: 'x'.repeat(20_000_000) })
  await snapshots.prepare('free', { layers: [base] })
  await snapshots.prepare('small', { layers: [base], storageOptions: { size: '8m' } })
  const root = await snapshots.mount('small')
  writeFileSync(join(root, 'fits'), Buffer.alloc(4 * 1024 * 1024, 1))
  run('sync', ['-f', root])
  assert.throws(
    () => {
      for (let i = 0; i < 8; i++) writeFileSync(join(root, `more${i}`), Buffer.alloc(1024 * 1024, 1))
    },
    // EDQUOT, which Node has no name for.
    { errno: -122 },
  )
  writeFileSync(join(await snapshots.mount('free'), 'more'), Buffer.alloc(16 * 1024 * 1024, 1))
  await snapshots.remove('small')
  await snapshots.prepare('next', { layers: [base], storageOptions: { size: '20M' } })
  const next = await snapshots.mount('next')
  writeFileSync(join(next, 'more'), Buffer.alloc(16 * 1024 * 1024, 1))
  assert.equal(statSync(join(next, 'more')).size, 16 * 1024 * 1024)
})

test('docker runs, limits, compares, commits and builds on btrfs, and info says so', async () => {
  using small = loopDisk('btrfs', '')
  const daemon = await Wharfd.startWithBusybox({
    flags: ['--data-root', join(small.root, 'data'), '--storage-driver', 'btrfs'],
  })
  try {
    assert.equal(await daemon.ok('info', '-f', '{{.Driver}} {{.DriverStatus}}'), 'btrfs [[Btrfs ]]')
    const size = ['--storage-opt', 'size=10m']
    const full = await daemon.docker(
      'run',
      '--rm',
      ...size,
      'busybox',
      'dd',
      'if=/dev/zero',
      'of=/x',
      'bs=1M',
      'count=40',
    )
    assert.match(full.stderr, /Disk quota exceeded/)
    await daemon.ok('run', '--name', 'changed', 'busybox', 'sh', '-c', 'echo hi > /made; rm /bin/wc')
    assert.equal(
      await daemon.ok('inspect', '-f', '{{json .GraphDriver}}', 'changed'),
      '{"Data":null,"Name":"btrfs"}',
    )
    assert.equal(await daemon.ok('diff', 'changed'), 'C /bin\nD /bin/wc\nA /made')
    await daemon.ok('commit', 'changed', 'made:btrfs')
    assert.equal(await daemon.ok('run', '--rm', 'made:btrfs', 'cat', '/made'), 'hi')
  } finally {
    await daemon.stop()
  }
})
