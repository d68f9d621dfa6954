/**
 * Archives that nobody meant: whatever bytes come, the parser ends with an InvalidArgumentError or a tree, at once and
 * in bounded memory, and how the bytes are cut into pieces changes nothing.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { writeErofsIndex } from '#images/layers/erofs-index.ts'
import { placeSparseFiles } from '#images/layers/erofs-sparse.ts'
import { LayerTree } from '#images/layers/layer-tree.ts'
import { parsePaxRecords } from '#images/layers/pax-records.ts'
import { TarParser } from '#images/layers/tar-parser.ts'
import { TAR_END, packEntry, paddingOf } from '#images/layers/tar-writer.ts'

const ROUNDS = 4000
const SEED = Number(process.env['WHARF_FUZZ_SEED'] ?? Date.now() % 1_000_000)

/** A small generator of random numbers that a seed repeats (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (((t ^ (t >>> 14)) >>> 0) / 4294967296) * below
  }
}

const NAMES = [
  'a',
  'b/',
  'a/c',
  '../x',
  '/abs',
  '.wh.a',
  '.wh..wh..opq',
  'b/.wh.c',
  'ü',
  'n'.repeat(120),
  'd/'.repeat(90),
  '',
  '.',
  './',
  'a/../b',
]
const TYPES = ['file', 'hardlink', 'symlink', 'char', 'block', 'directory', 'fifo'] as const

function randomArchive(random: (below: number) => number): Buffer {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random(values.length))] as T
  const pieces: Buffer[] = []
  for (let i = random(12); i > 0; i--) {
    const type = pick(TYPES)
    const content = Buffer.alloc(type === 'file' ? Math.floor(random(3000)) : 0, 'x')
    const xattrs =
      random(4) < 1
        ? new Map([
            ['user.k', Buffer.from('v\n=')],
            ['trusted.overlay.redirect', Buffer.from('/')],
          ])
        : null
    pieces.push(
      packEntry({
        type,
        name: pick(NAMES),
        linkName: pick(NAMES),
        mode: Math.floor(random(0o10000)),
        uid: pick([0, 1000, 3_000_000_000]),
        gid: 0,
        sizeBytes: content.length,
        mtimeSeconds: pick([0, -1, 2 ** 40]),
        mtimeNanos: 0,
        devMajor: Math.floor(random(4)),
        devMinor: 0,
        xattrs,
      }),
      content,
      Buffer.alloc(paddingOf(content.length)),
    )
  }
  return Buffer.concat([...pieces, TAR_END])
}

function damage(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = random(6); i > 0; i--) copy[Math.floor(random(copy.length))] = Math.floor(random(256))
  const cut = random(3) < 1 ? Math.floor(random(copy.length)) : copy.length
  // Half of the damage gets past the checksum.
  for (let at = 0; at + 512 <= copy.length; at += 512) {
    if (random(2) < 1 || copy[at] === 0) continue
    copy.fill(0x20, at + 148, at + 156)
    const sum = copy.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
  }
  return copy.subarray(0, cut)
}

/** What comes of an archive, in pieces of the given size: a digest of the EROFS index, or the error. */
function outcome(bytes: Buffer, pieceBytes: number): string {
  const tree = new LayerTree()
  const parser = new TarParser({ entry: (entry) => tree.add(entry) })
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) parser.push(bytes.subarray(at, at + pieceBytes))
    parser.finish()
    const hash = createHash('sha256')
    const { dataBytes } = placeSparseFiles(tree, bytes.length)
    writeErofsIndex(tree, dataBytes, (piece, offset) => hash.update(`${offset}`).update(piece))
    return hash.digest('hex')
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    return messageOf(error)
  }
}

test(`${ROUNDS} archives, whole and damaged (seed ${SEED})`, () => {
  const random = randomFrom(SEED)
  let good = 0
  for (let round = 0; round < ROUNDS; round++) {
    const whole = randomArchive(random)
    const bytes = round % 2 === 0 ? whole : damage(whole, random)
    const result = outcome(bytes, bytes.length + 1)
    assert.equal(outcome(bytes, 1 + Math.floor(random(1500))), result, `round ${round}`)
    if (/^[0-9a-f]{64}$/.test(result)) good += 1
  }
  assert.ok(good > 50, `only ${good} archives were good: the test tests nothing`)
})

/** Sparse files in each of GNU tar's formats, with maps that need more than a header. */
function sparseArchives(): Buffer[] {
  const directory = mkdtempSync(join(tmpdir(), 'sparse-'))
  try {
    for (const [name, pieces] of [
      ['few', 2],
      ['more', 30],
    ] as const) {
      const fd = openSync(join(directory, name), 'w')
      for (let at = 0; at < pieces; at++) writeSync(fd, Buffer.alloc(700, at + 1), 0, 700, at * 100_000)
      ftruncateSync(fd, pieces * 100_000)
      closeSync(fd)
    }
    return [
      ['--format=gnu'],
      ...['0.0', '0.1', '1.0'].map((v) => ['--format=posix', `--sparse-version=${v}`]),
    ].map((format) =>
      execFileSync('tar', ['-C', directory, '--sparse', ...format, '-cf', '-', 'few', 'more']),
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test(`${ROUNDS / 4} sparse archives, whole and damaged (seed ${SEED})`, () => {
  const random = randomFrom(SEED)
  const archives = sparseArchives()
  for (const archive of archives) assert.match(outcome(archive, archive.length), /^[0-9a-f]{64}$/)
  for (let round = 0; round < ROUNDS / 4; round++) {
    const bytes = damage(archives[round % archives.length] as Buffer, random)
    const result = outcome(bytes, bytes.length + 1)
    assert.equal(outcome(bytes, 1 + Math.floor(random(1500))), result, `round ${round}`)
  }
})

test(`pax records of any bytes (seed ${SEED})`, () => {
  const random = randomFrom(SEED)
  const keys = [
    ...['path', 'linkpath', 'size', 'uid', 'mtime', 'SCHILY.xattr.user.x', ''],
    ...['GNU.sparse.major', 'GNU.sparse.map', 'GNU.sparse.realsize', 'GNU.sparse.offset'],
  ]
  for (let round = 0; round < ROUNDS * 5; round++) {
    const key = keys[Math.floor(random(keys.length))] as string
    const value = Buffer.from(Array.from({ length: random(20) }, () => random(256))).toString('latin1')
    const body = `${Math.floor(random(40))} ${key}=${value}\n`
    try {
      parsePaxRecords(Buffer.from(body, 'latin1'))
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError, JSON.stringify(body))
    }
  }
})

test('numbers that claim too much take no memory', () => {
  const header = packEntry({
    type: 'file',
    name: 'x',
    linkName: '',
    mode: 0,
    uid: 0,
    gid: 0,
    sizeBytes: 0o77777777777,
    mtimeSeconds: 0,
    mtimeNanos: 0,
    devMajor: 0,
    devMinor: 0,
    xattrs: null,
  })
  for (const type of ['0', 'x', 'L', 'K', 'g']) {
    const block = Buffer.from(header)
    block.write(type, 156)
    block.fill(0x20, 148, 156)
    block.write(
      `${block
        .reduce((total, byte) => total + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    )
    assert.match(outcome(block, 512), /unexpected EOF|too long/)
  }
})
