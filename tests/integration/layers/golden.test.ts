/** A layer as the kernel shows it, compared with the same archive as GNU tar unpacks it. */
import assert from 'node:assert/strict'
import { chmodSync, linkSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { makeNode } from '#kernel/device-nodes.ts'
import { setXattr } from '#kernel/xattrs.ts'
import { mountErofs } from '#images/drivers/erofs-mounts.ts'
import { umountAll } from '#kernel/mounts.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { bytesOf, describeTree, open, run } from './fixture.ts'

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex')

/** A tree with everything in it that a file system can hold. */
function makeTree(root: string): void {
  chmodSync(root, 0o711)
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n')
  writeFileSync(join(root, 'empty'), '')
  for (const [index, size] of [1, 511, 512, 513, 4095, 4096, 4097, 70_000].entries()) {
    writeFileSync(join(root, `size-${size}`), Buffer.alloc(size, 65 + index))
  }
  writeFileSync(join(root, 'setuid'), 'x')
  chmodSync(join(root, 'setuid'), 0o4755)
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o3777)
  symlinkSync('etc/passwd', join(root, 'link'))
  symlinkSync(`/${'long/'.repeat(200)}end`, join(root, 'long-link'))
  symlinkSync('x'.repeat(511), join(root, 'link-511'))
  symlinkSync('x'.repeat(448), join(root, 'link-448'))
  linkSync(join(root, 'etc/passwd'), join(root, 'hard'))
  linkSync(join(root, 'etc/passwd'), join(root, 'hard2'))
  makeNode(join(root, 'null'), { type: 'character', mode: 0o666, device: { major: 1, minor: 3 } })
  makeNode(join(root, 'block'), { type: 'block', mode: 0o600, device: { major: 259, minor: 70_000 } })
  makeNode(join(root, 'fifo'), { type: 'fifo', mode: 0o640 })
  mkdirSync(join(root, 'many'))
  for (let i = 0; i < 500; i++) writeFileSync(join(root, 'many', `file-${i}${'-'.repeat(i % 90)}`), `${i}`)
  mkdirSync(join(root, 'order'))
  for (const name of [
    '!',
    '-',
    '.hidden',
    '..two',
    '0',
    'A',
    'a',
    '~',
    'ä',
    'name with\nnewline',
    'n'.repeat(255),
  ]) {
    writeFileSync(join(root, 'order', name), name)
  }
  writeFileSync(Buffer.from(`${root}/order/\xff\xfe`, 'latin1'), 'not UTF-8')
  const deep = join(root, ...Array.from({ length: 60 }, (_, i) => `level-${i}-${'d'.repeat(20)}`))
  mkdirSync(deep, { recursive: true })
  writeFileSync(join(deep, 'leaf'), 'deep')
  writeFileSync(join(root, 'attributes'), 'x')
  setXattr(join(root, 'attributes'), 'user.note', Buffer.from('hello'))
  setXattr(join(root, 'attributes'), 'user.empty', Buffer.alloc(0))
  setXattr(join(root, 'attributes'), 'user.long', Buffer.alloc(1500, 'v'))
  setXattr(join(root, 'attributes'), 'security.capability', CAPABILITY)
  setXattr(join(root, 'etc'), 'user.on-directory', Buffer.from('d'))
  writeFileSync(join(root, 'old'), 'x')
  lutimesSync(join(root, 'old'), -5, -5)
}

describe('a layer of every kind of file', () => {
  for (const format of ['pax', 'gnu']) {
    test(`looks as GNU tar unpacks it, from a ${format} archive`, async () => {
      const source = scratchDirectory('source')
      makeTree(source)
      const archive = `${source}.tar`
      // Attributes are pax only; GNU's format has whole seconds and no negative time in octal fields.
      const attributes = format === 'pax' ? ['--xattrs', '--xattrs-include=*'] : []
      run('tar', ['-C', source, `--format=${format}`, ...attributes, '--numeric-owner', '-cf', archive, '.'])
      const expected = scratchDirectory('expected')
      run('tar', ['-C', expected, ...attributes, '--numeric-owner', '--same-owner', '-xpf', archive])

      await using opened = open('erofs')
      const layer = await opened.storage.layers.ingest({ path: archive })
      const shown = scratchDirectory('shown')
      mountErofs(join(opened.storage.layers.directoryOf(layer.diffId), 'layer.erofs'), shown, 'file')
      try {
        assert.deepEqual(describeTree(shown), describeTree(expected))
      } finally {
        umountAll(shown)
      }
      const tar = await bytesOf(opened.storage.layers.tar(layer.diffId))
      assert.equal(run('sha256sum', ['-'], tar), run('sh', ['-c', `sha256sum - < ${archive}`]))
      assert.ok(run('sha256sum', [archive]).startsWith(layer.diffId.slice('sha256:'.length)))
    })
  }

  test('looks the same through a loop device', async () => {
    const source = scratchDirectory('source')
    makeTree(source)
    run('tar', ['-C', source, '-cf', `${source}.tar`, '.'])
    await using opened = open('erofs')
    const layer = await opened.storage.layers.ingest({ path: `${source}.tar` })
    const image = join(opened.storage.layers.directoryOf(layer.diffId), 'layer.erofs')
    const [file, loop] = [scratchDirectory('file'), scratchDirectory('loop')]
    mountErofs(image, file, 'file')
    mountErofs(image, loop, 'loop')
    try {
      assert.deepEqual(describeTree(loop), describeTree(file))
    } finally {
      umountAll(file)
      umountAll(loop)
    }
  })

  test('is unpacked by overlay2 as GNU tar does it', async () => {
    const source = scratchDirectory('source')
    makeTree(source)
    const attributes = ['--xattrs', '--xattrs-include=*', '--numeric-owner']
    run('tar', ['-C', source, '--format=pax', ...attributes, '-cf', `${source}.tar`, '.'])
    const expected = scratchDirectory('expected')
    run('tar', ['-C', expected, ...attributes, '--same-owner', '-xpf', `${source}.tar`])
    await using opened = open('overlay2')
    const layer = await opened.storage.layers.ingest({ path: `${source}.tar` })
    const tree = join(opened.storage.layers.directoryOf(layer.diffId), 'fs')
    // The root of a layer is never seen: an overlay shows its upper directory's.
    assert.deepEqual(describeTree(tree).slice(1), describeTree(expected).slice(1))
    assert.ok(
      (await bytesOf(opened.storage.layers.tar(layer.diffId))).equals(
        Buffer.from(run('base64', ['-w0', `${source}.tar`]), 'base64'),
      ),
    )
  })
})
