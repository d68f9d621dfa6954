/** What every storage driver must do, run on each of them. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Digest } from '#base/digest.ts'
import { AlreadyExistsError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { LayerFile } from '#spec/image-layers.ts'
import { getXattr, setXattr } from '#kernel/xattrs.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import {
  type Opened,
  type Part,
  abandon,
  bytesOf,
  describeTree,
  open,
  streamOf,
  run,
  tarOf,
  unmountBelow,
} from './fixture.ts'

async function layer(opened: Opened, parts: readonly Part[]): Promise<Digest> {
  return (await opened.storage.layers.ingest({ stream: streamOf(tarOf(parts)) })).diffId
}

async function mounted(opened: Opened, id: string, layers: readonly Digest[]): Promise<string> {
  await opened.storage.snapshots.prepare(id, { layers })
  return await opened.storage.snapshots.mount(id)
}

/** The base layer's files, which every root has. */
const BASE = ['.dockerenv', 'dev', 'etc', 'proc', 'sys']

function names(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => !BASE.includes(name))
    .sort()
}

export interface DriverExpectations {
  readonly manyLayers: number
  /** Where the driver can work. Default: any directory. */
  readonly directory?: () => string
  /** The driver limits what a snapshot writes, wherever it works. */
  readonly hasQuotas?: boolean
}

export function storageDriverSuite(driver: string, expect: DriverExpectations): void {
  const newRoot = expect.directory ?? ((): string => scratchDirectory('layers'))
  describe(`storage driver ${driver}`, () => {
    test('says its name', async () => {
      await using opened = open(driver, newRoot())
      assert.equal(opened.storage.snapshots.driver.name, driver)
    })

    test('stacks layers: later files win, whiteouts and opaque directories hide', async () => {
      await using opened = open(driver, newRoot())
      const layers = [
        await layer(opened, [
          { name: 'a', content: '1' },
          { name: 'b', content: '1' },
          { name: 'dir/' },
          { name: 'dir/one', content: '1' },
          { name: 'dir/two', content: '1' },
          { name: 'replaced/' },
          { name: 'replaced/old', content: '1' },
          { name: 'gone/' },
          { name: 'gone/deep/' },
          { name: 'gone/deep/file', content: '1' },
        ]),
        await layer(opened, [
          { name: 'a', content: '22' },
          { name: '.wh.b' },
          { name: 'dir/' },
          { name: 'dir/.wh.one' },
          { name: 'dir/three', content: '2' },
          { name: 'replaced/.wh..wh..opq' },
          { name: 'replaced/new', content: '2' },
          { name: '.wh.gone' },
        ]),
      ]
      const root = await mounted(opened, 'c', layers)
      assert.deepEqual(names(root), ['a', 'dir', 'replaced'])
      assert.equal(readFileSync(join(root, 'a'), 'utf8'), '22')
      assert.deepEqual(names(join(root, 'dir')), ['three', 'two'])
      assert.deepEqual(names(join(root, 'replaced')), ['new'])
    })

    test('a whiteout hides lower files only, wherever it stands in its archive', async () => {
      await using opened = open(driver, newRoot())
      const lower = await layer(opened, [
        { name: 'd1/' },
        { name: 'd1/lower' },
        { name: 'd2/' },
        { name: 'd2/lower' },
        { name: 'f1', content: 'lower' },
      ])
      const upper = await layer(opened, [
        { name: '.wh.d1' },
        { name: 'd1/' },
        { name: 'd1/upper' },
        { name: 'd2/' },
        { name: 'd2/upper' },
        { name: '.wh.d2' },
        { name: '.wh.f1' },
        { name: 'f1', content: 'upper' },
      ])
      const root = await mounted(opened, 'c', [lower, upper])
      assert.deepEqual(names(join(root, 'd1')), ['upper'])
      assert.deepEqual(names(join(root, 'd2')), ['upper'])
      assert.equal(readFileSync(join(root, 'f1'), 'utf8'), 'upper')
    })

    test('has the mount points every container needs, and the image hides them', async () => {
      await using opened = open(driver, newRoot())
      const empty = await mounted(opened, 'scratch', [])
      assert.deepEqual(readdirSync(empty).sort(), BASE)
      assert.deepEqual(readdirSync(join(empty, 'dev')).sort(), ['console', 'pts', 'shm'])
      assert.deepEqual(await opened.storage.snapshots.changes('scratch'), [])
      const own = await layer(opened, [{ name: 'etc/' }, { name: 'etc/hosts', content: 'mine' }])
      const root = await mounted(opened, 'c', [own])
      assert.equal(readFileSync(join(root, 'etc/hosts'), 'utf8'), 'mine')
    })

    test('changes() and commit() tell what was written', async () => {
      await using opened = open(driver, newRoot())
      const base = await layer(opened, [
        { name: 'bin/' },
        { name: 'bin/sh', content: 'sh', mode: 0o755 },
        { name: 'bin/rm', content: 'rm' },
        { name: 'lib/' },
        { name: 'lib/deep/' },
        { name: 'lib/deep/file', content: 'lib' },
        { name: 'swap/' },
        { name: 'swap/inner', content: 'x' },
      ])
      const root = await mounted(opened, 'c', [base])
      writeFileSync(join(root, 'bin/sh'), 'new shell')
      rmSync(join(root, 'bin/rm'))
      writeFileSync(join(root, 'lib/deep/more'), 'more')
      rmSync(join(root, 'swap'), { recursive: true })
      writeFileSync(join(root, 'swap'), 'a file now')
      mkdirSync(join(root, 'made'))
      writeFileSync(join(root, 'made/one'), 'one', { mode: 0o600 })
      linkSync(join(root, 'made/one'), join(root, 'made/two'))
      symlinkSync('../etc', join(root, 'made/link'))
      setXattr(join(root, 'made/one'), 'user.key', Buffer.from('value'))
      chmodSync(join(root, 'made'), 0o2775)

      assert.deepEqual(await opened.storage.snapshots.changes('c'), [
        { path: '/bin', kind: 'modify' },
        { path: '/bin/rm', kind: 'delete' },
        { path: '/bin/sh', kind: 'modify' },
        { path: '/lib', kind: 'modify' },
        { path: '/lib/deep', kind: 'modify' },
        { path: '/lib/deep/more', kind: 'add' },
        { path: '/made', kind: 'add' },
        { path: '/made/link', kind: 'add' },
        { path: '/made/one', kind: 'add' },
        { path: '/made/two', kind: 'add' },
        { path: '/swap', kind: 'modify' },
      ])
      const usage = await opened.storage.snapshots.usage('c')
      const written = 'new shell'.length + 'more'.length + 'a file now'.length + 'one'.length
      assert.equal(usage.rwBytes, written)
      assert.equal(usage.rootFsBytes, written + opened.storage.layers.get(base).sizeBytes)

      const committed = await opened.storage.snapshots.commit('c')
      assert.equal(committed.sizeBytes, written)
      const again = await mounted(opened, 'd', [base, committed.diffId])
      assert.equal(readFileSync(join(again, 'bin/sh'), 'utf8'), 'new shell')
      assert.deepEqual(names(join(again, 'bin')), ['sh'])
      assert.equal(readFileSync(join(again, 'swap'), 'utf8'), 'a file now')
      assert.deepEqual(names(join(again, 'lib/deep')), ['file', 'more'])
      assert.equal(lstatSync(join(again, 'made')).mode & 0o7777, 0o2775)
      assert.equal(lstatSync(join(again, 'made/one')).ino, lstatSync(join(again, 'made/two')).ino)
      assert.equal(getXattr(join(again, 'made/one'), 'user.key')?.toString(), 'value')
      assert.deepEqual(await opened.storage.snapshots.changes('d'), [])
    })

    test('commit() keeps removed and remade directories apart from lower ones, and leaves sockets out', async () => {
      await using opened = open(driver, newRoot())
      const base = await layer(opened, [
        { name: 'd/' },
        { name: 'd/lower', content: 'x' },
        { name: 'd/sub/' },
      ])
      const root = await mounted(opened, 'c', [base])
      rmSync(join(root, 'd'), { recursive: true })
      mkdirSync(join(root, 'd'))
      writeFileSync(join(root, 'd/upper'), '')
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(join(root, 's'), resolve))
      const committed = await opened.storage.snapshots.commit('c')
      await new Promise((resolve) => server.close(resolve))
      const again = await mounted(opened, 'e', [base, committed.diffId])
      assert.deepEqual(names(join(again, 'd')), ['upper'])
      assert.deepEqual(names(again), ['d'])
      const listed = run('tar', ['-tf', '-'], await bytesOf(opened.storage.layers.tar(committed.diffId)))
      assert.equal(listed.includes('trusted'), false)
    })

    test('renames of image directories work for programs that copy on EXDEV', async () => {
      await using opened = open(driver, newRoot())
      const base = await layer(opened, [{ name: 'd/' }, { name: 'd/file', content: 'x' }])
      const root = await mounted(opened, 'c', [base])
      try {
        renameSync(join(root, 'd'), join(root, 'e'))
      } catch (error) {
        // What an upper directory refers to must not lie beneath it.
        assert.equal((error as NodeJS.ErrnoException).code, 'EXDEV')
        run('mv', [join(root, 'd'), join(root, 'e')])
      }
      const committed = await opened.storage.snapshots.commit('c')
      const again = await mounted(opened, 'd', [base, committed.diffId])
      assert.deepEqual(names(again), ['e'])
      assert.equal(readFileSync(join(again, 'e/file'), 'utf8'), 'x')
    })

    test(`stacks ${expect.manyLayers} layers`, async () => {
      await using opened = open(driver, newRoot())
      const layers: Digest[] = []
      for (let i = 0; i < expect.manyLayers; i++) {
        layers.push(
          await layer(opened, [
            { name: `file-${i}`, content: `${i}` },
            { name: 'last', content: `${i}` },
          ]),
        )
      }
      const root = await mounted(opened, 'c', layers)
      assert.equal(names(root).length, expect.manyLayers + 1)
      assert.equal(readFileSync(join(root, 'last'), 'utf8'), String(expect.manyLayers - 1))
    })

    test('two snapshots of one image do not see each other', async () => {
      await using opened = open(driver, newRoot())
      const base = await layer(opened, [{ name: 'file', content: 'image' }])
      const [one, two] = [await mounted(opened, 'one', [base]), await mounted(opened, 'two', [base])]
      writeFileSync(join(one, 'file'), 'one')
      await opened.storage.snapshots.unmount('one')
      assert.equal(readFileSync(join(two, 'file'), 'utf8'), 'image')
      assert.equal(readFileSync(join(await opened.storage.snapshots.mount('one'), 'file'), 'utf8'), 'one')
    })

    test('mount() and unmount() may be repeated; remove() leaves nothing', async () => {
      await using opened = open(driver, newRoot())
      const { snapshots } = opened.storage
      const base = await layer(opened, [{ name: 'file', content: 'x' }])
      const root = await mounted(opened, 'c', [base])
      assert.equal(await snapshots.mount('c'), root)
      await snapshots.unmount('c')
      await snapshots.unmount('c')
      assert.equal(snapshots.isMounted('c'), false)
      await snapshots.mount('c')
      await snapshots.remove('c')
      await snapshots.remove('c')
      assert.equal(snapshots.has('c'), false)
      await until('the files are gone', () => readdirSync(join(opened.root, 'snapshots')).length === 0)
      await assert.rejects(snapshots.mount('c'), NotFoundError)
    })

    test('refuses what it cannot do, leaving nothing', async () => {
      await using opened = open(driver, newRoot())
      const { snapshots } = opened.storage
      const base = await layer(opened, [{ name: 'file', content: 'x' }])
      const missing = `sha256:${'0'.repeat(64)}` as Digest
      await assert.rejects(snapshots.prepare('c', { layers: [base, missing] }), NotFoundError)
      await assert.rejects(
        snapshots.prepare('c', { layers: [base], storageOptions: { colour: 'red' } }),
        (error: Error) => error instanceof InvalidArgumentError && error.message === 'unknown option colour',
      )
      await assert.rejects(
        snapshots.prepare('c', { layers: [base], storageOptions: { size: 'large' } }),
        (error: Error) => error instanceof InvalidArgumentError && error.message === "invalid size: 'large'",
      )
      if (expect.hasQuotas !== true) {
        await assert.rejects(
          snapshots.prepare('c', { layers: [base], storageOptions: { size: '1G' } }),
          /--storage-opt is/,
        )
      }
      await until('the files are gone', () => readdirSync(join(opened.root, 'snapshots')).length === 0)
      await snapshots.prepare('c', { layers: [base] })
      await assert.rejects(snapshots.prepare('c', { layers: [base] }), AlreadyExistsError)
    })

    test('recover() keeps what lives, mounted where it must be, and removes the rest', async () => {
      const root = newRoot()
      const first = open(driver, root)
      const base = await layer(first, [{ name: 'file', content: 'x' }])
      const running = await mounted(first, 'running', [base])
      writeFileSync(join(running, 'written'), 'kept')
      writeFileSync(join(await mounted(first, 'stopped', [base]), 'written'), 'kept too')
      await mounted(first, 'orphan', [base])
      await abandon(first)
      mkdirSync(join(root, 'snapshots', 'unknown'))
      mkdirSync(join(root, 'layers', '.incoming-x'))

      await using opened = open(driver, root)
      const { snapshots, layers } = opened.storage
      await snapshots.prepare('new', { layers: [base] })
      await snapshots.recover(new Set(['running', 'stopped']), new Set(['running']))
      assert.deepEqual([...snapshots.ids()].sort(), ['new', 'running', 'stopped'])
      assert.equal(readFileSync(join(running, 'written'), 'utf8'), 'kept')
      assert.equal(readFileSync(join(await snapshots.mount('stopped'), 'written'), 'utf8'), 'kept too')
      assert.equal(await snapshots.mount('running'), running)
      assert.ok(layers.has(base))
      await until('strays are gone', () => readdirSync(join(root, 'snapshots')).length === 3)
      await until('strays are gone', () => !existsSync(join(root, 'layers', '.incoming-x')))
    })

    test('a snapshot comes back after the machine was off', async () => {
      const root = newRoot()
      const first = open(driver, root)
      const base = await layer(first, [{ name: 'file', content: 'x' }])
      writeFileSync(join(await mounted(first, 'c', [base]), 'written'), 'kept')
      await abandon(first)
      unmountBelow(root)
      rmSync(join(root, 'run'), { recursive: true, force: true })

      await using opened = open(driver, root)
      await opened.storage.snapshots.recover(new Set(['c']), new Set())
      const shown = await opened.storage.snapshots.mount('c')
      assert.deepEqual(names(shown), ['file', 'written'])
    })

    test('a snapshot whose directory the loss of power took comes back empty', async () => {
      const root = newRoot()
      const first = open(driver, root)
      const base = await layer(first, [{ name: 'file', content: 'x' }])
      await first.storage.snapshots.prepare('c', { layers: [base] })
      await abandon(first)
      rmSync(join(root, 'snapshots', 'c'), { recursive: true })

      await using opened = open(driver, root)
      await opened.storage.snapshots.recover(new Set(['c']), new Set())
      assert.deepEqual(names(await opened.storage.snapshots.mount('c')), ['file'])
    })

    test('changesTar() is a layer with the same content', async () => {
      await using opened = open(driver, newRoot())
      const base = await layer(opened, [{ name: 'd/' }, { name: 'd/file', content: 'x' }])
      const root = await mounted(opened, 'c', [base])
      rmSync(join(root, 'd/file'))
      writeFileSync(join(root, 'big'), Buffer.alloc(3_000_000, 7))
      utimesSync(join(root, 'd'), 1000, 1000)
      const tar = await bytesOf(await opened.storage.snapshots.changesTar('c'))
      const { diffId } = await opened.storage.layers.ingest({ stream: streamOf(tar) })
      const again = await mounted(opened, 'd', [base, diffId])
      assert.deepEqual(describeTree(join(again, 'd')), describeTree(join(root, 'd')))
      assert.deepEqual(names(again), ['big', 'd'])
    })

    test('files() lists the entries of a layer', async () => {
      await using opened = open(driver, newRoot())
      const diffId = await layer(opened, [
        { name: './' },
        { name: './d/', mode: 0o700, uid: 7 },
        { name: 'd/big', content: Buffer.alloc(300_001) },
        { name: 'd/.wh.gone' },
        { name: 'link', type: 'symlink', linkName: 'd/Ã¼' },
      ])
      const text = (await bytesOf(opened.storage.layers.files(diffId))).toString()
      const files = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as LayerFile)
      assert.deepEqual(
        files.map(({ path, type, sizeBytes, uid, link }) => `${type} ${path} ${sizeBytes} ${uid} ${link}`),
        [
          'directory  0 0 ',
          'directory d 0 7 ',
          'file d/big 300001 0 ',
          'file d/.wh.gone 0 0 ',
          'symlink link 0 0 d/ü',
        ],
      )
    })

    test('layers that go while a snapshot is mounted disturb nobody', async () => {
      await using opened = open(driver, newRoot())
      const base = await layer(opened, [{ name: 'file', content: 'x' }])
      const other = await layer(opened, [{ name: 'other', content: 'y' }])
      const root = await mounted(opened, 'c', [base])
      await mounted(opened, 'd', [other])
      await opened.storage.snapshots.remove('d')
      await opened.storage.layers.remove(other)
      assert.equal(opened.storage.layers.has(other), false)
      assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'x')
      await until('the files are gone', () => readdirSync(join(opened.root, 'layers')).length === 1)
    })
  })
}
