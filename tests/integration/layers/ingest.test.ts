/** Layers on their way in: any source, hostile ones too, and nothing left when it goes wrong. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib'
import type { Digest } from '#base/digest.ts'
import { DataLossError, InvalidArgumentError } from '#errors/errors.ts'
import { umountAll } from '#kernel/mounts.ts'
import { mountErofs } from '#images/drivers/erofs-mounts.ts'
import { openBlobs } from '#store/blobs.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { type Opened, type Part, bytesOf, describeTree, open, run, streamOf, tarOf } from './fixture.ts'

const TAR = tarOf([
  { name: 'dir/' },
  { name: 'dir/file', content: randomBytes(300_000) },
  { name: 'end', content: 'end' },
])
const DIFF_ID = `sha256:${createHash('sha256').update(TAR).digest('hex')}` as Digest

function bzip2(bytes: Buffer): Buffer {
  return execFileSync('bzip2', ['-c'], { input: bytes, maxBuffer: 1 << 26 })
}

function xz(bytes: Buffer): Buffer {
  return execFileSync('xz', ['-c'], { input: bytes, maxBuffer: 1 << 26 })
}

/** Name, length, and where the pieces of 5000 bytes are. */
const SPARSE: readonly (readonly [string, number, readonly number[]])[] = [
  ['dense', 5000, [0]],
  ['empty', 3_000_000, []],
  ['end', 9_000_000, [8_995_000]],
  ['many', 40_000_000, Array.from({ length: 150 }, (_, i) => i * 250_000 + 777)],
  ['start', 1_000_003, [0]],
  ['tail', 2_000_000, [8192]],
]

async function nothingLeft(opened: Opened): Promise<void> {
  assert.deepEqual(opened.storage.layers.list(), [])
  await until('nothing is left', () => readdirSync(join(opened.root, 'layers')).length === 0)
}

/** The archive as GNU tar packs it, with a header of a given place changed and its checksum made right. */
function patched(tar: Buffer, at: number, bytes: Buffer): Buffer {
  const copy = Buffer.from(tar)
  bytes.copy(copy, at)
  const header = Math.floor(at / 512) * 512
  copy.fill(0x20, header + 148, header + 156)
  const sum = copy.subarray(header, header + 512).reduce((total, byte) => total + byte, 0)
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, header + 148, 'latin1')
  return copy
}

for (const driver of ['erofs', 'overlay2']) {
  describe(`ingest() for ${driver}`, () => {
    for (const [name, pack] of [
      ['plain', (tar: Buffer) => tar],
      ['gzip', (tar: Buffer) => gzipSync(tar)],
      [
        'gzip of several members',
        (tar: Buffer) => Buffer.concat([gzipSync(tar.subarray(0, 1000)), gzipSync(tar.subarray(1000))]),
      ],
      ['zstd', (tar: Buffer) => zstdCompressSync(tar)],
      ['xz', (tar: Buffer) => xz(tar)],
      ['bzip2', (tar: Buffer) => bzip2(tar)],
      [
        'zstd of several frames',
        (tar: Buffer) =>
          Buffer.concat([zstdCompressSync(tar.subarray(0, 1000)), zstdCompressSync(tar.subarray(1000))]),
      ],
    ] as const) {
      test(`reads ${name} from a stream, a file and a blob that grows`, async () => {
        await using opened = open(driver)
        const { layers } = opened.storage
        const packed = pack(TAR)
        const file = join(opened.root, 'packed')
        writeFileSync(file, packed)
        assert.equal((await layers.ingest({ stream: streamOf(packed) })).diffId, DIFF_ID)
        await layers.remove(DIFF_ID)
        const seen: number[] = []
        const record = await layers.ingest(
          { path: file },
          { expectedDiffId: DIFF_ID, onProgress: (bytes) => seen.push(bytes) },
        )
        assert.deepEqual(record, { diffId: DIFF_ID, sizeBytes: 300_003, tarBytes: TAR.length })
        await layers.remove(DIFF_ID)
        const blobs = openBlobs(join(opened.root, 'blobs'))
        await using writer = await blobs.writer()
        const ingesting = layers.ingest({ blob: writer })
        for await (const piece of streamOf(packed, 50_000)) await writer.write(piece as Buffer)
        const { digest } = await writer.commit()
        assert.equal((await ingesting).diffId, DIFF_ID)
        assert.ok(blobs.has(digest))
        assert.ok((await bytesOf(layers.tar(DIFF_ID))).equals(TAR))
      })
    }

    test('stores a layer once, also when it comes twice at a time', async () => {
      await using opened = open(driver)
      const { layers } = opened.storage
      const records = await Promise.all([1, 2, 3].map(() => layers.ingest({ stream: streamOf(TAR) })))
      assert.equal(new Set(records.map(({ diffId }) => diffId)).size, 1)
      await until('one is left', () => readdirSync(join(opened.root, 'layers')).length === 1)
    })

    for (const format of ['gnu', '0.0', '0.1', '1.0']) {
      test(`sparse files, as GNU tar packs them (${format}), are what they were`, async () => {
        const directory = scratchDirectory('sparse')
        for (const [name, sizeBytes, pieces] of SPARSE) {
          const fd = openSync(join(directory, name), 'w')
          ftruncateSync(fd, sizeBytes)
          for (const at of pieces) writeSync(fd, randomBytes(5000), 0, 5000, at)
          closeSync(fd)
        }
        const options = format === 'gnu' ? ['--format=gnu'] : ['--format=posix', `--sparse-version=${format}`]
        const tar = join(scratchDirectory('tar'), 'sparse.tar')
        run('tar', ['-C', directory, '--sparse', ...options, '-cf', tar, '--sort=name', '.'])
        assert.ok(statSync(tar).size < 3_000_000)
        await using opened = open(driver)
        const { snapshots, layers } = opened.storage
        const { diffId, sizeBytes } = await layers.ingest({ path: tar })
        assert.equal(
          sizeBytes,
          SPARSE.reduce((sum, [, size]) => sum + size, 0),
        )
        await snapshots.prepare('c', { layers: [diffId] })
        const root = await snapshots.mount('c')
        for (const [name] of SPARSE) run('cmp', [join(directory, name), join(root, name)])
        assert.ok((await bytesOf(layers.tar(diffId))).equals(readFileSync(tar)))
        assert.equal(await layers.verify(diffId), null)
        const disk = Number(run('du', ['-s', '--block-size=1', join(opened.root, 'layers')]).split('\t')[0])
        assert.ok(disk < 7_000_000, `${disk} bytes are taken`)
      })
    }

    const bad: readonly (readonly [string, Buffer, RegExp])[] = [
      ['a cut archive', TAR.subarray(0, 100_000), /unexpected EOF/],
      ['a cut header', TAR.subarray(0, 700), /unexpected EOF/],
      ['cut gzip', gzipSync(TAR).subarray(0, 1000), /damaged/],
      [
        'damaged gzip',
        Buffer.concat([gzipSync(TAR).subarray(0, 5000), Buffer.alloc(5000, 1)]),
        /damaged|header/,
      ],
      [
        'damaged zstd',
        Buffer.concat([zstdCompressSync(TAR).subarray(0, 5000), Buffer.alloc(5000, 1)]),
        /damaged/,
      ],
      ['cut xz', xz(TAR).subarray(0, 5000), /damaged|unexpected EOF/],
      ['damaged xz', Buffer.concat([xz(TAR).subarray(0, 5000), Buffer.alloc(5000, 1)]), /damaged/],
      ['cut bzip2', bzip2(TAR).subarray(0, 5000), /the bzip2 stream is damaged: it is cut short/],
      ['damaged bzip2', Buffer.from('BZh91AY&SY..........'), /the bzip2 stream is damaged/],
      ['text', Buffer.alloc(2048, 'no tar at all '), /invalid tar header/],
      ['a wrong checksum', Buffer.concat([Buffer.from('x'), TAR.subarray(1)]), /invalid tar header/],
      ['a name above the root', tarOf([{ name: '../up', content: 'x' }]), /outside/],
      ['a name above the root, hidden', tarOf([{ name: 'a/../../up', content: 'x' }]), /outside/],
      ['a name too long', tarOf([{ name: 'n'.repeat(256), content: 'x' }]), /too long/],
      [
        'a hard link to nothing',
        tarOf([{ name: 'l', type: 'hardlink', linkName: 'missing' }]),
        /names "missing"/,
      ],
      [
        'a hard link to a directory',
        tarOf([{ name: 'd/' }, { name: 'l', type: 'hardlink', linkName: 'd' }]),
        /names "d"/,
      ],
      [
        'a file as a directory',
        tarOf([
          { name: 'f', content: 'x' },
          { name: 'f/g', content: 'x' },
        ]),
        /directory/,
      ],
      [
        'links in a circle',
        tarOf([
          { name: 'a', type: 'symlink', linkName: 'b' },
          { name: 'b', type: 'symlink', linkName: 'a' },
          { name: 'a/x' },
        ]),
        /links|directory/,
      ],
      [
        'a sparse file whose pieces are not all there',
        patched(tarOf([{ name: 's', content: 'x' }]), 156, Buffer.from('S')),
        /invalid tar header/,
      ],
      [
        'an unknown type',
        patched(tarOf([{ name: 's', content: 'x' }]), 156, Buffer.from('Q')),
        /unhandled tar header type 81/,
      ],
      [
        'a size beyond all',
        patched(tarOf([{ name: 's', content: 'x' }]), 124, Buffer.from('77777777777\0')),
        /unexpected EOF/,
      ],
      [
        'a negative size',
        patched(tarOf([{ name: 's', content: 'x' }]), 124, Buffer.alloc(12, 255)),
        /invalid tar header/,
      ],
    ]
    for (const [name, bytes, why] of bad) {
      test(`refuses ${name}`, async () => {
        await using opened = open(driver)
        await assert.rejects(
          opened.storage.layers.ingest({ stream: Readable.from([bytes]) }),
          (error: Error) => {
            assert.ok(error instanceof InvalidArgumentError, String(error))
            assert.match(error.message, why)
            return true
          },
        )
        await nothingLeft(opened)
      })
    }

    test('refuses a layer that is not the one that was promised', async () => {
      await using opened = open(driver)
      const expectedDiffId = `sha256:${'1'.repeat(64)}` as Digest
      await assert.rejects(
        opened.storage.layers.ingest({ stream: streamOf(TAR) }, { expectedDiffId }),
        DataLossError,
      )
      await nothingLeft(opened)
    })

    test('ends with its source, its writer and its signal', async () => {
      await using opened = open(driver)
      const { layers } = opened.storage
      const failing = async function* (): AsyncGenerator<Buffer> {
        yield TAR.subarray(0, 2000)
        throw new DataLossError('the connection broke')
      }
      await assert.rejects(layers.ingest({ stream: failing() }), /the connection broke/)
      const blobs = openBlobs(join(opened.root, 'blobs'))
      const writer = await blobs.writer()
      const ingesting = layers.ingest({ blob: writer })
      await writer.write(TAR.subarray(0, 100_000))
      await writer[Symbol.asyncDispose]()
      await assert.rejects(ingesting, DataLossError)
      const aborter = new AbortController()
      const endless = async function* (): AsyncGenerator<Buffer> {
        yield TAR.subarray(0, 2000)
        aborter.abort(new DataLossError('enough'))
        await new Promise(() => {})
      }
      await assert.rejects(layers.ingest({ stream: endless() }, { signal: aborter.signal }), /enough/)
      await nothingLeft(opened)
    })
  })
}

describe('EROFS layers', () => {
  async function show(parts: readonly Part[], look: (root: string) => void): Promise<void> {
    await using opened = open('erofs')
    const { diffId } = await opened.storage.layers.ingest({ stream: streamOf(tarOf(parts)) })
    const target = scratchDirectory('shown')
    mountErofs(join(opened.storage.layers.directoryOf(diffId), 'layer.erofs'), target, 'file')
    try {
      look(target)
    } finally {
      umountAll(target)
    }
  }

  test('hold 10,000 directories one in the other', async () => {
    const name = 'd/'.repeat(10_000)
    await show(
      [
        { name: `${name}leaf`, content: 'bottom' },
        { name, mode: 0o700 },
      ],
      (root) => {
        // Longer than a path: find(1) walks by directory.
        const found = run('sh', ['-c', `find ${root} -type f -printf '%d\\n'`])
        assert.equal(found.trim(), '10001')
      },
    )
  })

  test('keep owners, times and attributes at their limits', async () => {
    await show(
      [
        { name: 'f', uid: 4_294_967_294, gid: 3_000_000_000, mtimeSeconds: 8_589_934_592, mode: 0o7777 },
        {
          name: 'x',
          xattrs: new Map([
            ['user.a', Buffer.alloc(4000, 'a')],
            ['user.b', Buffer.from('b')],
          ]),
        },
      ],
      (root) => {
        const stat = statSync(join(root, 'f'))
        assert.deepEqual(
          [stat.uid, stat.gid, stat.mtimeMs, stat.mode & 0o7777],
          [4_294_967_294, 3_000_000_000, 8_589_934_592_000, 0o7777],
        )
        assert.ok(
          describeTree(root).some((line) => line.includes('user.a=6161') && line.endsWith('user.b=62')),
        )
      },
    )
  })

  test('never take the marks of overlayfs from an archive', async () => {
    const marks = new Map([
      ['trusted.overlay.redirect', Buffer.from('/etc')],
      ['trusted.overlay.metacopy', Buffer.alloc(0)],
    ])
    await show(
      [
        { name: 'd/', xattrs: marks },
        { name: 'f', xattrs: marks },
      ],
      (root) => {
        assert.ok(describeTree(root).every((line) => !line.includes('overlay')))
      },
    )
  })

  test('take entries in any order: children first, again, and through links', async () => {
    await show(
      [
        { name: 'a/b/c', content: 'first' },
        { name: 'a/', mode: 0o700 },
        { name: 'a/b/c', content: 'second' },
        { name: 'to', type: 'symlink', linkName: '/a/b' },
        { name: 'to/through', content: 'x' },
        { name: './a/./b//odd', content: 'x' },
        { name: 'was/file', content: 'x' },
        { name: 'was', content: 'now a file' },
      ],
      (root) => {
        assert.equal(readFileSync(join(root, 'a/b/c'), 'utf8'), 'second')
        assert.equal(statSync(join(root, 'a')).mode & 0o7777, 0o700)
        assert.deepEqual(readdirSync(join(root, 'a/b')).sort(), ['c', 'odd', 'through'])
        assert.equal(readFileSync(join(root, 'was'), 'utf8'), 'now a file')
      },
    )
  })

  for (const driver of ['erofs', 'overlay2']) {
    test(`a layer that is made to fill the disk is refused in time (${driver})`, async () => {
      await using opened = open(driver)
      const size = 3 * 1024 ** 3
      const head = tarOf([{ name: 'bomb', content: '' }])
      const header = patched(head, 124, Buffer.from(`${size.toString(8).padStart(11, '0')}\0`)).subarray(
        0,
        512,
      )
      const zstd = createZstdCompress()
      const bomb = async function* () {
        yield header
        const piece = Buffer.alloc(1024 * 1024, 'x')
        for (let at = 0; at < size; at += piece.length) yield piece
      }
      const stream = Readable.from(bomb(), { objectMode: false }).pipe(zstd)
      await assert.rejects(opened.storage.layers.ingest({ stream }), {
        message: 'the layer expands to more than 500 times its size',
      })
      await nothingLeft(opened)
    })

    test(`zeros of a layer take no room (${driver})`, async () => {
      await using opened = open(driver)
      const { layers } = opened.storage
      const tar = tarOf([{ name: 'zeroes', content: Buffer.alloc(300 * 1024 * 1024) }])
      const { diffId } = await layers.ingest({ stream: Readable.from([gzipSync(tar, { level: 1 })]) })
      const disk = Number(run('du', ['-s', '--block-size=1', layers.directoryOf(diffId)]).split('\t')[0])
      assert.ok(disk < 4 * 1024 * 1024, `${disk} bytes are taken`)
      const hash = createHash('sha256')
      for await (const piece of layers.tar(diffId)) hash.update(piece as Buffer)
      assert.equal(`sha256:${hash.digest('hex')}`, diffId)
    })
  }
})
