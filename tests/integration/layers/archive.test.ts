/** Files in and out of a root, as `docker cp` and `docker export` use them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  rmSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  linkSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import { createArchives } from '#images/archive-service.ts'
import type { Archives } from '#images/archive.ts'
import { WorkerPool } from '#images/worker/worker-pool.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { type Part, bytesOf, describeTree, run, streamOf, tarOf } from './fixture.ts'

interface Root extends AsyncDisposable {
  readonly root: string
  readonly outside: string
  readonly archives: Archives
}

/** A root with files, and a directory beside it that nothing may ever touch. */
function makeRoot(): Root {
  const root = scratchDirectory('root')
  const outside = scratchDirectory('outside')
  writeFileSync(join(outside, 'secret'), 'secret')
  mkdirSync(join(root, 'etc'))
  mkdirSync(join(root, 'data/sub'), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), 'inside')
  writeFileSync(join(root, 'data/file'), 'content')
  writeFileSync(join(root, 'data/sub/deep'), 'deep')
  symlinkSync('/data', join(root, 'absolute'))
  symlinkSync('data/file', join(root, 'link'))
  symlinkSync('/nowhere', join(root, 'dangling'))
  symlinkSync(outside, join(root, 'escape'))
  symlinkSync(`../../../../../..${outside}`, join(root, 'climb'))
  const workers = new WorkerPool()
  return { root, outside, archives: createArchives(workers), [Symbol.asyncDispose]: () => workers.close() }
}

async function listOf(archives: Archives, root: string, path: string): Promise<string[]> {
  const { tar } = await archives.read(root, path)
  return run('tar', ['-P', '-tf', '-'], await bytesOf(tar))
    .trimEnd()
    .split('\n')
}

function extract(at: Root, path: string, parts: readonly Part[], options = {}): Promise<void> {
  return at.archives.extract(at.root, path, streamOf(tarOf(parts)), options)
}

describe('stat()', () => {
  test('describes files, directories and links in Docker’s form', async () => {
    await using at = makeRoot()
    const { archives, root } = at
    const file = await archives.stat(root, '/data/file')
    assert.deepEqual(
      { ...file, mtime: '' },
      { name: 'file', size: 7, mode: 0o644, mtime: '', linkTarget: '' },
    )
    assert.match(file.mtime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    assert.equal((await archives.stat(root, '/data')).mode, 2 ** 31 + 0o755)
    assert.equal((await archives.stat(root, 'data/')).name, 'data')
    assert.equal((await archives.stat(root, '/')).name, '/')
    const link = await archives.stat(root, '/link')
    assert.equal(link.mode, 2 ** 27 + 0o777)
    assert.equal(link.linkTarget, '/data/file')
    assert.equal((await archives.stat(root, '/dangling')).linkTarget, '/nowhere')
    assert.equal((await archives.stat(root, '/absolute/')).mode, 2 ** 31 + 0o755)
    assert.equal((await archives.stat(root, '/absolute/file')).size, 7)
  })

  test('finds nothing outside the root', async () => {
    await using at = makeRoot()
    for (const path of ['/missing', '/escape/secret', '/climb/secret', `/../..${at.outside}/secret`]) {
      await assert.rejects(at.archives.stat(at.root, path), NotFoundError, path)
    }
    // As dockerd: what is below a file is not missing, it is impossible.
    await assert.rejects(at.archives.stat(at.root, '/data/file/x'), { errno: 'ENOTDIR' })
  })
})

describe('read()', () => {
  test('names entries from the last name of the path', async () => {
    await using at = makeRoot()
    const { archives, root } = at
    assert.deepEqual(await listOf(archives, root, '/data'), [
      'data/',
      'data/file',
      'data/sub/',
      'data/sub/deep',
    ])
    assert.deepEqual(await listOf(archives, root, '/data/.'), ['./', './file', './sub/', './sub/deep'])
    assert.deepEqual(await listOf(archives, root, '/absolute/'), [
      'absolute/',
      'absolute/file',
      'absolute/sub/',
      'absolute/sub/deep',
    ])
    assert.deepEqual(await listOf(archives, root, '/absolute'), ['absolute'])
    assert.deepEqual(await listOf(archives, root, '/data/file'), ['file'])
    assert.ok((await listOf(archives, root, '/')).includes('/data/sub/deep'))
  })

  test('gives files exactly, hard links and large ones too', async () => {
    await using at = makeRoot()
    writeFileSync(join(at.root, 'data/large'), Buffer.alloc(5_000_001, 'xyz'))
    linkSync(join(at.root, 'data/large'), join(at.root, 'data/same'))
    const to = scratchDirectory('to')
    run('tar', ['-C', to, '-xpf', '-'], await bytesOf((await at.archives.read(at.root, '/data')).tar))
    assert.deepEqual(
      describeTree(join(to, 'data')).map((line) => line.replace(/mtime=\d+/, '')),
      describeTree(join(at.root, 'data')).map((line) => line.replace(/mtime=\d+/, '')),
    )
  })

  test('does not enter what the kernel makes up', async () => {
    await using at = makeRoot()
    assert.deepEqual(await listOf(at.archives, '/', '/proc'), ['proc/'])
  })

  test('closing the stream early stops the work', async () => {
    await using at = makeRoot()
    writeFileSync(join(at.root, 'data/large'), Buffer.alloc(50_000_000))
    const { tar } = await at.archives.read(at.root, '/data')
    await new Promise((resolve) => tar.once('readable', resolve))
    tar.destroy()
    assert.equal((await at.archives.stat(at.root, '/data/file')).size, 7)
  })
})

describe('extract()', () => {
  test('writes files with owner, mode, time and type', async () => {
    await using at = makeRoot()
    await extract(at, '/data', [
      { name: 'dir/', mode: 0o2750, uid: 5, gid: 6 },
      { name: 'dir/file', content: 'hello', mode: 0o4711, uid: 1000, gid: 100_000 },
      { name: 'dir/link', type: 'symlink', linkName: '../file', uid: 7 },
      { name: 'dir/hard', type: 'hardlink', linkName: 'dir/file' },
      { name: 'dir/fifo', type: 'fifo' },
      { name: 'implicit/parents/file', content: 'x' },
    ])
    const dir = lstatSync(join(at.root, 'data/dir'))
    assert.deepEqual([dir.mode & 0o7777, dir.uid, dir.gid, dir.mtimeMs], [0o2750, 5, 6, 1_700_000_000_000])
    const file = lstatSync(join(at.root, 'data/dir/file'))
    assert.deepEqual([file.mode & 0o7777, file.uid, file.gid, file.nlink], [0o4711, 1000, 100_000, 2])
    assert.equal(lstatSync(join(at.root, 'data/dir/link')).uid, 7)
    assert.equal(readlinkSync(join(at.root, 'data/dir/link')), '../file')
    assert.ok(lstatSync(join(at.root, 'data/dir/fifo')).isFIFO())
    assert.equal(readFileSync(join(at.root, 'data/implicit/parents/file'), 'utf8'), 'x')
    assert.equal(readFileSync(join(at.root, 'data/file'), 'utf8'), 'content')
  })

  test('gives everything to one owner when asked', async () => {
    await using at = makeRoot()
    await extract(
      at,
      '/data',
      [
        { name: 'd/', uid: 3 },
        { name: 'd/f', uid: 3, gid: 3 },
      ],
      { owner: { uid: 44, gid: 55 } },
    )
    for (const path of ['data/d', 'data/d/f']) {
      const { uid, gid } = lstatSync(join(at.root, path))
      assert.deepEqual([uid, gid], [44, 55])
    }
  })

  test('reads compressed archives, and says when they are damaged', async () => {
    await using at = makeRoot()
    const tar = tarOf([{ name: 'packed', content: 'x' }])
    const bzip2 = (bytes: Buffer): Buffer => execFileSync('bzip2', ['-c'], { input: bytes })
    for (const pack of [gzipSync, zstdCompressSync, bzip2]) {
      await at.archives.extract(at.root, '/data', Readable.from([pack(tar)]))
      assert.ok(existsSync(join(at.root, 'data/packed')))
      rmSync(join(at.root, 'data/packed'))
    }
    await assert.rejects(
      at.archives.extract(at.root, '/data', Readable.from([Buffer.from('BZh91AY&SY')])),
      /the bzip2 stream is damaged/,
    )
  })

  test('wants a directory that is there', async () => {
    await using at = makeRoot()
    await assert.rejects(extract(at, '/missing', []), NotFoundError)
    await assert.rejects(
      extract(at, '/data/file', [{ name: 'x' }]),
      (error: Error) =>
        error instanceof InvalidArgumentError && /extraction point is not a directory/.test(error.message),
    )
  })

  test('replaces files, and directories only when allowed', async () => {
    await using at = makeRoot()
    await extract(at, '/', [{ name: 'data/file', content: 'new' }])
    assert.equal(readFileSync(join(at.root, 'data/file'), 'utf8'), 'new')
    const options = { noOverwriteDirNonDir: true }
    await assert.rejects(
      extract(at, '/', [{ name: 'data', content: 'x' }], options),
      /cannot overwrite directory/,
    )
    await assert.rejects(
      extract(at, '/', [{ name: 'data/file/' }], options),
      /cannot overwrite non-directory/,
    )
    await extract(at, '/', [{ name: 'data', content: 'x' }])
    assert.equal(readFileSync(join(at.root, 'data'), 'utf8'), 'x')
  })

  test('never leaves the root, whatever links say', async () => {
    await using at = makeRoot()
    await extract(at, '/', [{ name: 'escape/new', content: 'x' }]).catch(() => {})
    await extract(at, '/', [{ name: 'climb/new', content: 'x' }]).catch(() => {})
    await extract(at, '/', [
      { name: 'evil', type: 'symlink', linkName: at.outside },
      { name: 'evil/new', content: 'x' },
    ]).catch(() => {})
    await assert.rejects(extract(at, '/data', [{ name: '../../up', content: 'x' }]), InvalidArgumentError)
    await assert.rejects(extract(at, '/data', [{ name: '../up', content: 'x' }]), InvalidArgumentError)
    await extract(at, '/', [{ name: '/etc/absolute', content: 'x' }])
    await assert.rejects(
      extract(at, '/', [{ name: 'stolen', type: 'hardlink', linkName: `${at.outside}/secret` }]),
      InvalidArgumentError,
    )
    // A file in the place of a link replaces the link.
    await extract(at, '/', [{ name: 'link', content: 'own' }])
    assert.equal(readFileSync(join(at.root, 'data/file'), 'utf8'), 'content')
    assert.equal(readFileSync(join(at.root, 'etc/absolute'), 'utf8'), 'x')
    assert.deepEqual(readdirSync(at.outside), ['secret'])
    assert.equal(readFileSync(join(at.outside, 'secret'), 'utf8'), 'secret')
    assert.equal(existsSync(join(at.root, 'up')), false)
  })

  test('follows links inside the root as the container would', async () => {
    await using at = makeRoot()
    await extract(at, '/absolute', [{ name: 'via-link', content: 'x' }])
    assert.ok(existsSync(join(at.root, 'data/via-link')))
  })

  test('unpacks and packs a tree deeper than a path can be', async () => {
    await using at = makeRoot()
    const depth = 1500
    const parts: Part[] = []
    let name = ''
    for (let i = 0; i < depth; i++) parts.push({ name: (name += 'deep/') })
    parts.push({ name: `${name}leaf`, content: 'bottom' })
    await extract(at, '/data', parts)
    const listed = await listOf(at.archives, at.root, '/data')
    assert.equal(listed.at(-1), 'data/sub/deep')
    assert.ok(listed.includes(`data/${name}leaf`))
  })
})

describe('export()', () => {
  test('gives the whole root', async () => {
    await using at = makeRoot()
    const to = scratchDirectory('to')
    run('tar', ['-C', to, '-xpf', '-'], await bytesOf(at.archives.export(at.root)))
    const without = (tree: string): string[] =>
      describeTree(tree)
        .slice(1)
        .map((line) => line.replace(/mtime=\d+/, ''))
    assert.deepEqual(without(to), without(at.root))
  })
})
