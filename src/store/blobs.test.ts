import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { digestOf } from '#base/digest.ts'
import { DataLossError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import { type Blobs, openBlobs } from './blobs.ts'

const HELLO = Buffer.from('hello')
const DIGEST = digestOf(HELLO)

describe('Blobs', () => {
  let directory = ''
  let blobs: Blobs
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'w-blobs-'))
    blobs = openBlobs(directory)
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const incoming = (): string[] => readdirSync(join(directory, 'incoming'))

  test('commit() makes a blob visible under its digest', async () => {
    await using writer = await blobs.writer()
    await writer.write(HELLO.subarray(0, 2))
    await writer.write(HELLO.subarray(2))
    assert.equal(blobs.has(DIGEST), false)
    assert.deepEqual(await writer.commit({ digest: DIGEST, sizeBytes: 5 }), { digest: DIGEST, sizeBytes: 5 })
    assert.equal(blobs.size(DIGEST), 5)
    assert.equal(await text(blobs.read(DIGEST)), 'hello')
    assert.equal(await text(blobs.read(DIGEST, { start: 3 })), 'lo')
    assert.deepEqual(await blobs.list(), [DIGEST])
    assert.deepEqual(incoming(), [])
  })

  test('commit() leaves nothing visible when the digest or the size differs', async () => {
    for (const expected of [{ digest: digestOf('other') }, { sizeBytes: 4 }]) {
      const writer = await blobs.writer()
      await writer.write(HELLO)
      await assert.rejects(writer.commit(expected), DataLossError)
    }
    assert.deepEqual(await blobs.list(), [])
    assert.deepEqual(incoming(), [])
  })

  test('storing what is stored succeeds', async () => {
    await Promise.all([blobs.put(HELLO), blobs.put(HELLO), blobs.put(HELLO)])
    assert.equal(await blobs.put(HELLO), DIGEST)
    assert.deepEqual(incoming(), [])
  })

  test('a writer that is given up or aborted leaves nothing', async () => {
    const writer = await blobs.writer()
    await writer.write(HELLO)
    await writer[Symbol.asyncDispose]()
    await writer[Symbol.asyncDispose]()
    const aborter = new AbortController()
    const aborted = await blobs.writer(aborter.signal)
    aborter.abort()
    await assert.rejects(aborted.write(HELLO))
    await assert.rejects(aborted.commit())
    assert.deepEqual(incoming(), [])
  })

  test('growth() follows a writer to its end', async () => {
    const writer = await blobs.writer()
    const first = writer.growth(0)
    await writer.write(HELLO)
    assert.deepEqual(await first, { writtenBytes: 5, ended: false })
    const end = writer.growth(5)
    await writer.commit()
    assert.deepEqual(await end, { writtenBytes: 5, ended: true })
    const given = await blobs.writer()
    const never = assert.rejects(given.growth(0), DataLossError)
    await given[Symbol.asyncDispose]()
    await never
  })

  test('readBytes() bounds and verifies', async () => {
    await blobs.put(HELLO)
    assert.equal((await blobs.readBytes(DIGEST, 5)).toString(), 'hello')
    await assert.rejects(blobs.readBytes(DIGEST, 4), InvalidArgumentError)
    await assert.rejects(blobs.readBytes(digestOf('missing'), 4), NotFoundError)
    truncateSync(blobs.path(DIGEST), 3)
    await assert.rejects(blobs.readBytes(DIGEST, 5), DataLossError)
  })

  test('remove() hides the blob at once and may be repeated', async () => {
    await blobs.put(HELLO)
    const removal = blobs.remove(DIGEST)
    assert.equal(blobs.has(DIGEST), false)
    await removal
    await blobs.remove(DIGEST)
    assert.deepEqual(await blobs.list(), [])
  })

  test('opening removes what a dead daemon left half-written', () => {
    writeFileSync(join(directory, 'incoming', 'half'), 'x')
    openBlobs(directory)
    assert.deepEqual(incoming(), [])
  })
})
