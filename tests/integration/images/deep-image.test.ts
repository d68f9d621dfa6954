/** Images with more layers than Docker takes run, on every storage driver. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { loopDisk } from '../../support/loop-disk.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { tarOf } from '../layers/fixture.ts'

const DEPTH = 150
const disk = loopDisk('btrfs', '', 600)
after(() => disk[Symbol.dispose]())

/** An archive of an image whose every layer adds a file and changes one. */
function archive(): string {
  const busybox = readFileSync('/bin/busybox')
  const layers = Array.from({ length: DEPTH }, (_, at) =>
    tarOf([
      ...(at === 0 ? [{ name: 'bin/' }, { name: 'bin/busybox', content: busybox, mode: 0o755 }] : []),
      { name: `file-${at}`, content: `${at}` },
      { name: 'last', content: `${at}` },
    ]),
  )
  const diffIds = layers.map((layer) => `sha256:${createHash('sha256').update(layer).digest('hex')}`)
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/bin/busybox'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [],
  })
  const names = layers.map((_, at) => `layer-${at}.tar`)
  const path = `${scratchDirectory('deep')}/image.tar`
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: ['made:deep'], Layers: names }])
  writeFileSync(
    path,
    tarOf([
      ...layers.map((content, at) => ({ name: names[at] as string, content })),
      { name: 'config.json', content: config },
      { name: 'manifest.json', content: manifest },
    ]),
  )
  return path
}

const file = archive()

for (const driver of ['erofs', 'overlay2', 'fuse-overlayfs', 'btrfs', 'vfs']) {
  test(`${driver} runs, commits and saves an image of ${DEPTH} layers`, async () => {
    const place = driver === 'btrfs' ? ['--data-root', `${disk.root}/data`] : []
    const daemon = await Wharfd.start({ flags: [...place, '--storage-driver', driver] })
    try {
      await daemon.ok('load', '-q', '-i', file)
      assert.equal(
        await daemon.ok('run', '--name', 'deep', 'made:deep', 'cat', '/last', '/file-0'),
        `${DEPTH - 1}0`,
      )
      await daemon.ok('cp', file, 'deep:/added')
      await daemon.ok('commit', 'deep', 'made:deeper')
      assert.equal(await daemon.ok('inspect', '-f', '{{len .RootFS.Layers}}', 'made:deeper'), `${DEPTH + 1}`)
      await daemon.ok('rm', 'deep')
      const saved = `${scratchDirectory('saved')}/deeper.tar`
      await daemon.ok('save', '-o', saved, 'made:deeper')
      await daemon.ok('rmi', 'made:deeper')
      await daemon.ok('load', '-q', '-i', saved)
      assert.equal(await daemon.ok('run', '--rm', 'made:deeper', 'wc', '-c', '/file-149'), '3 /file-149')
    } finally {
      await daemon.stop()
    }
  })
}
