/** `--storage-opt size=`: a container cannot write more than it was given, on XFS with project quotas. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { InvalidArgumentError, errnoOf } from '#errors/errors.ts'
import { type LoopDisk, loopDisk } from '../../support/loop-disk.ts'
import { open, streamOf, tarOf } from './fixture.ts'

/** Why quotas cannot be tried here, or false. A kernel without CONFIG_XFS_QUOTA refuses the mount option. */
function whyNot(): string | false {
  try {
    using _disk = xfs('prjquota')
    return false
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return 'this kernel has no quotas on XFS'
    throw error
  }
}

function xfs(options: string): LoopDisk {
  return loopDisk('xfs', options)
}

const skip = whyNot()

for (const driver of ['erofs', 'overlay2']) {
  test(`${driver}: a snapshot holds no more than its size`, { skip }, async () => {
    using disk = xfs('prjquota')
    await using opened = open(driver, join(disk.root, 'data'))
    const { snapshots, layers } = opened.storage
    const { diffId } = await layers.ingest({
      stream: streamOf(tarOf([{ name: 'file', content: 'x'.repeat(100_000) }])),
    })
    await snapshots.prepare('small', { layers: [diffId], storageOptions: { size: '8m' } })
    await snapshots.prepare('free', { layers: [diffId] })
    const small = await snapshots.mount('small')
    writeFileSync(join(small, 'fits'), Buffer.alloc(4 * 1024 * 1024, 1))
    // Copying up moves a file from `work` to `upper`.
    writeFileSync(join(small, 'file'), 'changed')
    assert.throws(() => writeFileSync(join(small, 'more'), Buffer.alloc(8 * 1024 * 1024, 1)), {
      code: /^(ENOSPC|EDQUOT)$/,
    })
    writeFileSync(join(await snapshots.mount('free'), 'more'), Buffer.alloc(16 * 1024 * 1024, 1))
    assert.equal(readFileSync(join(small, 'file'), 'utf8'), 'changed')
    await snapshots.remove('small')
    // The number may be used again.
    await snapshots.prepare('next', { layers: [diffId], storageOptions: { size: '20M' } })
    const next = await snapshots.mount('next')
    writeFileSync(join(next, 'more'), Buffer.alloc(16 * 1024 * 1024, 1))
    assert.equal(statSync(join(next, 'more')).size, 16 * 1024 * 1024)
  })
}

test('a size is refused in Docker’s words where the file system has no project quotas', async () => {
  using disk = xfs('noquota')
  await using opened = open(null, join(disk.root, 'data'))
  await assert.rejects(
    opened.storage.snapshots.prepare('c', { layers: [], storageOptions: { size: '8m' } }),
    (error: Error) =>
      error instanceof InvalidArgumentError &&
      error.message === "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
  )
})
