import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { bunzip } from '#images/layers/bunzip.ts'

const pack = (bytes: Buffer, level = 9): Buffer =>
  execFileSync('bzip2', [`-${level}`, '-c'], { input: bytes, maxBuffer: 1 << 28 })

async function unpack(bytes: Buffer, pieceBytes = 10_000): Promise<Buffer> {
  const pieces: Buffer[] = []
  const source = async function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
  }
  for await (const piece of bunzip(source())) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

const text = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `${i * 7919} the line\n`).join(''))
const cases: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('a')],
  ['text of several blocks', text],
  ['noise', randomBytes(1_200_000)],
  ['a long run', Buffer.alloc(5_000_000, 7)],
  ['runs of all lengths', Buffer.concat(Array.from({ length: 600 }, (_, i) => Buffer.alloc(i, i & 0xff)))],
  ['every byte', Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i) & 0xff))],
]
for (const [name, bytes] of cases) {
  for (const level of [1, 9]) {
    test(`bunzip() gives ${name} back, level ${level}`, async () => {
      assert.ok((await unpack(pack(bytes, level))).equals(bytes))
    })
  }
}

test('bunzip() reads streams that follow each other, in pieces of any size', async () => {
  const two = Buffer.concat([pack(Buffer.from('one')), pack(Buffer.from(' two'))])
  for (const pieceBytes of [1, 3, 1000]) assert.equal((await unpack(two, pieceBytes)).toString(), 'one two')
  assert.equal((await unpack(Buffer.concat([two, Buffer.alloc(100)]))).toString(), 'one two')
})

test('bunzip() refuses what is cut short or damaged, whatever the damage', async () => {
  const packed = pack(text.subarray(0, 150_000), 1)
  for (const cut of [3, 4, 10, 14, 100, 5000, packed.length - 1])
    await assert.rejects(unpack(packed.subarray(0, cut)), InvalidArgumentError, String(cut))
  for (let i = 0; i < 40; i++) {
    const bad = Buffer.from(packed)
    const at = Math.floor((i / 40) * bad.length)
    bad[at] = (bad[at] as number) ^ (1 << (i & 7))
    await assert.rejects(unpack(bad), InvalidArgumentError, `byte ${at}`)
  }
})
