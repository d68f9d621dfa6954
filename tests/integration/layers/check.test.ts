/** `wharf system check`: damage that is done on purpose must be found, named and, where it can be, mended. */
import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Digest } from '#base/digest.ts'
import { checkStorage } from '#images/check.ts'
import { type Blobs, openBlobs } from '#store/blobs.ts'
import { type Opened, bytesOf, open, streamOf, tarOf } from './fixture.ts'

const TAR = tarOf([{ name: 'dir/' }, { name: 'dir/file', content: 'x'.repeat(5000) }])

interface Checked {
  readonly opened: Opened
  readonly blobs: Blobs
  readonly diffId: Digest
  readonly blob: Digest
  run(repair: boolean): Promise<string[]>
}

async function withLayer(work: (checked: Checked) => Promise<void>, driver = 'erofs'): Promise<void> {
  await using opened = open(driver)
  const { layers, snapshots, workers } = opened.storage
  const blobs = openBlobs(join(opened.root, 'blobs'))
  const blob = await blobs.put(gzipSync(TAR))
  const { diffId } = await layers.ingest({ stream: streamOf(TAR) })
  const roots = [{ layers: () => [diffId], blobs: () => [blob] }]
  const parts = { layers, snapshots, blobs, workers, roots, blobsOf: () => [blob] }
  await work({
    opened,
    blobs,
    diffId,
    blob,
    run: async (repair) =>
      (await checkStorage(parts, { repair })).map(
        (problem) =>
          `${problem.kind} ${problem.subject}: ${problem.detail}${problem.repaired ? ' (repaired)' : ''}`,
      ),
  })
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

const image = (checked: Checked): string =>
  join(checked.opened.storage.layers.directoryOf(checked.diffId), 'layer.erofs')

describe('checkStorage()', () => {
  for (const driver of ['erofs', 'overlay2']) {
    test(`finds nothing wrong with what is right (${driver})`, async () => {
      await withLayer(async (checked) => assert.deepEqual(await checked.run(true), []), driver)
    })
  }

  test('makes a damaged index again from the layer’s own tar', async () => {
    await withLayer(async (checked) => {
      rmSync(checked.blobs.path(checked.blob))
      const path = image(checked)
      overwrite(path, statSync(path).size - 4000, Buffer.alloc(300, 255))
      assert.match((await checked.run(false)).join('\n'), /layer sha256:\w+: index: the index differs/)
      assert.match((await checked.run(true)).join('\n'), /index differs at byte \d+ \(repaired\)/)
      assert.deepEqual(
        (await checked.run(false)).filter((line) => line.startsWith('layer')),
        [],
      )
      assert.ok((await bytesOf(checked.opened.storage.layers.tar(checked.diffId))).equals(TAR))
      await checked.opened.storage.snapshots.prepare('c', { layers: [checked.diffId] })
      const root = await checked.opened.storage.snapshots.mount('c')
      assert.equal(readFileSync(join(root, 'dir/file'), 'utf8').length, 5000)
    })
  })

  test('makes a damaged tar again from the blob it came as, or says that it cannot', async () => {
    await withLayer(async (checked) => {
      overwrite(image(checked), 4096 + 1600, Buffer.from('damage'))
      assert.match((await checked.run(true)).join('\n'), /tar: the tar has digest sha256:\w+ \(repaired\)/)
      assert.deepEqual(await checked.run(false), [])
      truncateSync(image(checked), 5000)
      assert.match((await checked.run(true)).join('\n'), /too short \(repaired\)/)
      rmSync(checked.opened.storage.layers.directoryOf(checked.diffId), { recursive: true })
      assert.match((await checked.run(true)).join('\n'), /ENOENT.*\(repaired\)/)
      overwrite(image(checked), 4096 + 1600, Buffer.from('damage'))
      rmSync(checked.blobs.path(checked.blob))
      assert.match((await checked.run(true)).join('\n'), /not repaired: nothing is left to make it from/)
    })
  })

  test('forgets damaged blobs and removes strays', async () => {
    await withLayer(async (checked) => {
      overwrite(checked.blobs.path(checked.blob), 20, Buffer.from('damage'))
      mkdirSync(join(checked.opened.root, 'layers', 'f'.repeat(64)))
      writeFileSync(join(checked.opened.root, 'snapshots', 'stray'), '')
      const found = (await checked.run(true)).join('\n')
      assert.match(found, /blob sha256:\w+: its content has digest sha256:\w+ \(repaired\)/)
      assert.match(found, /stray f{64}: belongs to nothing \(repaired\)/)
      assert.match(found, /stray stray: belongs to nothing \(repaired\)/)
      assert.match((await checked.run(false)).join('\n'), /^blob sha256:\w+: is named, and not stored$/)
    })
  })

  test('misses what is named and not stored, and snapshots without a directory', async () => {
    await withLayer(async (checked) => {
      await checked.opened.storage.snapshots.prepare('c', { layers: [] })
      rmSync(join(checked.opened.root, 'snapshots', 'c'), { recursive: true })
      await checked.opened.storage.layers.remove(checked.diffId)
      const found = (await checked.run(true)).join('\n')
      assert.match(found, /layer sha256:\w+: is named, and not stored \(repaired\)/)
      assert.match(found, /snapshot c: its directory is gone/)
      assert.ok(checked.opened.storage.layers.has(checked.diffId))
    })
  })
})
