import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Digest, digestOf } from '#base/digest.ts'
import { silentLogger } from '#base/logger.ts'
import { type Blobs, openBlobs } from './blobs.ts'
import { type GarbageCollection, createGarbageCollection } from './garbage.ts'
import { createLeases } from './leases.ts'

const [A, B, C] = ['a', 'b', 'c'].map((text) => digestOf(text)) as [Digest, Digest, Digest]

/** Layers in memory. */
class FakeLayers {
  readonly stored = new Set<Digest>([A, B, C])
  readonly arriving = new Set<Digest>()
  list(): { diffId: Digest; sizeBytes: number }[] {
    return [...this.stored].map((diffId) => ({ diffId, sizeBytes: 10 }))
  }
  isArriving(diffId: Digest): boolean {
    return this.arriving.has(diffId)
  }
  remove(diffId: Digest): Promise<void> {
    this.stored.delete(diffId)
    return Promise.resolve()
  }
}

describe('collect()', () => {
  let directory = ''
  let blobs: Blobs
  let layers: FakeLayers
  const named = { layers: new Set<Digest>(), blobs: new Set<Digest>(), busy: false }
  const leases = createLeases()
  let garbage: GarbageCollection

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'w-garbage-'))
    blobs = openBlobs(directory)
    layers = new FakeLayers()
    named.layers = new Set([A])
    named.blobs = new Set()
    named.busy = false
    const root = { layers: () => named.layers, blobs: () => named.blobs, isBusy: () => named.busy }
    garbage = createGarbageCollection({ layers, blobs, roots: [root, leases], log: silentLogger })
    await blobs.put(Buffer.from('a'))
    // What was committed in this turn is not collected.
    await new Promise((resolve) => setImmediate(resolve))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test('removes what nobody names', async () => {
    const collected = await garbage.collect()
    assert.deepEqual(collected, { layers: [B, C], blobs: [A], freedBytes: 21 })
    assert.deepEqual([...layers.stored], [A])
    assert.equal(blobs.has(A), false)
  })

  test('keeps what records, leases and arrivals name, while they do', async () => {
    named.blobs = new Set([A])
    layers.arriving.add(C)
    {
      await using lease = await leases.take('a test')
      await lease.hold([B])
      assert.deepEqual((await garbage.collect()).layers, [])
      assert.deepEqual(leases.list()[0]?.layers, [B])
    }
    layers.arriving.clear()
    assert.deepEqual((await garbage.collect()).layers, [B, C])
    assert.deepEqual(leases.list(), [])
  })

  test('released() collects when a transient root was all that kept a layer', async () => {
    const transient = { layers: () => held, blobs: () => [], isTransient: true }
    let held: Digest[] = [A, B]
    const collection = createGarbageCollection({
      layers,
      blobs,
      roots: [{ layers: () => named.layers, blobs: () => [A] }, transient],
      log: silentLogger,
    })
    await collection.collect()
    assert.deepEqual([...layers.stored], [A, B])
    held = []
    // A is an image's too: nothing to do.
    collection.released([A])
    await new Promise((resolve) => setImmediate(resolve))
    await collection.settled()
    assert.deepEqual([...layers.stored], [A, B])
    collection.released([B])
    await new Promise((resolve) => setImmediate(resolve))
    await collection.settled()
    assert.deepEqual([...layers.stored], [A])
  })

  test('removes nothing while work under way learns digests', async () => {
    named.busy = true
    assert.deepEqual((await garbage.collect()).layers, [])
    named.busy = false
    garbage.schedule()
    garbage.schedule()
    await new Promise((resolve) => setImmediate(resolve))
    await garbage.settled()
    assert.deepEqual([...layers.stored], [A])
  })
})
