import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { DataLossError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import { makeImage, RegistryServer, sha256, type ServedImage } from '../../support/registry-server.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { streamOf, tarOf, type Part } from '../layers/fixture.ts'
import { load, openImageRoot, pull, type ImageRoot } from './open-image-root.ts'

const NEVER = new AbortController().signal
const layerTar = tarOf([{ name: 'etc/' }, { name: 'etc/motd', content: 'hello' }])
const topTar = tarOf([{ name: 'top', content: 'x'.repeat(5000) }])
const image = makeImage([layerTar, topTar])

/** A docker archive in the old form, its parts as given or changed. */
function dockerArchive(change: Partial<Record<'config' | 'manifest' | 'layer', Buffer>> = {}): Part[] {
  const manifest = [{ Config: 'config.json', RepoTags: ['app:v1'], Layers: ['a/layer.tar', 'b/layer.tar'] }]
  return [
    { name: 'config.json', content: change.config ?? image.config },
    { name: 'a/layer.tar', content: change.layer ?? layerTar },
    { name: 'b/layer.tar', content: topTar },
    { name: 'manifest.json', content: change.manifest ?? Buffer.from(JSON.stringify(manifest)) },
  ]
}

function save({ images }: ImageRoot, ...names: string[]): Promise<Readable> {
  return images.save(names, { platforms: [], signal: NEVER })
}

describe('load', () => {
  const wrappings: readonly [string, (bytes: Buffer) => Buffer][] = [
    ['plain', (bytes) => bytes],
    ['gzip', (bytes) => gzipSync(bytes)],
    ['zstd', (bytes) => zstdCompressSync(bytes)],
    ['xz', (bytes) => execFileSync('xz', ['-c'], { input: bytes, maxBuffer: 1e9 })],
  ]
  for (const [name, wrap] of wrappings) {
    test(`reads a docker archive, ${name}`, async () => {
      await using root = openImageRoot()
      assert.equal(await load(root, streamOf(wrap(tarOf(dockerArchive())))), 'Loaded image: app:v1\n')
      assert.equal(root.images.get('app:v1').id, image.configDigest)
      assert.deepEqual(await root.leftovers(), { layers: 2, blobs: 0, incoming: 0 })
    })
  }

  test('reads layers that are compressed, or links to each other', async () => {
    await using root = openImageRoot()
    const twice = makeImage([layerTar, layerTar])
    const manifest = [{ Config: 'config.json', RepoTags: null, Layers: ['a/layer.tar', 'b/layer.tar'] }]
    const parts: Part[] = [
      { name: 'a/layer.tar', content: gzipSync(layerTar) },
      { name: 'b/layer.tar', type: 'symlink', linkName: '../a/layer.tar' },
      { name: 'config.json', content: twice.config },
      { name: 'manifest.json', content: JSON.stringify(manifest) },
    ]
    assert.equal(await load(root, streamOf(tarOf(parts))), `Loaded image ID: ${twice.configDigest}\n`)
  })

  test('says when a name moves', async () => {
    await using root = openImageRoot()
    await load(root, streamOf(tarOf(dockerArchive())))
    const other = makeImage([topTar], { mark: 'other' })
    const manifest = [{ Config: 'config.json', RepoTags: ['app:v1'], Layers: ['layer.tar'] }]
    const parts = [
      { name: 'config.json', content: other.config },
      { name: 'layer.tar', content: topTar },
      { name: 'manifest.json', content: JSON.stringify(manifest) },
    ]
    assert.equal(
      await load(root, streamOf(tarOf(parts))),
      `The image app:v1 already exists, renaming the old one with ID ${image.configDigest} to empty string\nLoaded image: app:v1\n`,
    )
  })

  const broken: readonly [title: string, archive: Buffer, error: object][] = [
    [
      'what is no archive',
      Buffer.from('nothing of the kind'.repeat(100)),
      { constructor: InvalidArgumentError },
    ],
    [
      'an archive that ends early',
      tarOf(dockerArchive()).subarray(0, 3000),
      { constructor: InvalidArgumentError },
    ],
    [
      'compression that breaks off',
      gzipSync(tarOf(dockerArchive())).subarray(0, 300),
      { constructor: InvalidArgumentError },
    ],
    [
      'damaged bzip2',
      Buffer.from('BZh91AY&SY...'),
      { constructor: InvalidArgumentError, message: /^the bzip2 stream is damaged/ },
    ],
    [
      'an empty archive',
      tarOf([]),
      { message: 'invalid archive: does not contain a manifest.json or index.json' },
    ],
    [
      'a layer that is another one',
      tarOf(dockerArchive({ layer: topTar })),
      { message: `invalid diffID for layer 0: expected "${sha256(layerTar)}", got "${sha256(topTar)}"` },
    ],
    [
      'a manifest that is none',
      tarOf(dockerArchive({ manifest: Buffer.from('[{"Config": 7}]') })),
      { constructor: InvalidArgumentError },
    ],
    [
      'a configuration that is none',
      tarOf(dockerArchive({ config: Buffer.from('{"os":"linux"}') })),
      { constructor: InvalidArgumentError },
    ],
    [
      'too few layers',
      tarOf(
        dockerArchive({
          manifest: Buffer.from('[{"Config":"config.json","RepoTags":["a:b"],"Layers":["a/layer.tar"]}]'),
        }),
      ),
      { message: 'invalid manifest, layers length mismatch: expected 2, got 1' },
    ],
    [
      'files beside the archive',
      tarOf(
        dockerArchive({
          manifest: Buffer.from('[{"Config":"../../../etc/passwd","RepoTags":[],"Layers":[]}]'),
        }),
      ),
      { message: 'open ../../../etc/passwd: no such file or directory' },
    ],
    [
      'a tag that is none',
      tarOf(
        dockerArchive({
          manifest: Buffer.from(
            '[{"Config":"config.json","RepoTags":["app"],"Layers":["a/layer.tar","b/layer.tar"]}]',
          ),
        }),
      ),
      { message: 'invalid tag "app"' },
    ],
    [
      'a blob that is not what its name says',
      tarOf([{ name: `blobs/sha256/${'a'.repeat(64)}`, content: '{}' }]),
      { constructor: DataLossError },
    ],
  ]
  for (const [title, archive, error] of broken) {
    test(`refuses ${title}, and nothing is left`, async () => {
      await using root = openImageRoot()
      await assert.rejects(load(root, streamOf(archive)), error)
      assert.equal(root.images.count(), 0)
      assert.deepEqual(await root.leftovers(), { layers: 0, blobs: 0, incoming: 0 })
    })
  }
})

describe('save', () => {
  test('gives ids and manifest digests back after a round trip', async () => {
    await using server = await RegistryServer.start()
    await using first = openImageRoot()
    await using second = openImageRoot()
    server.add('app', 'v1', image)
    const name = `${server.address}/app:v1`
    await pull(first, name)
    await first.images.tag(name, { repository: 'other', tag: 'x' })
    const archive = await buffer(await save(first, name, 'other:x'))
    assert.equal(
      await load(second, Readable.from([archive])),
      `Loaded image: ${name}\nLoaded image: other:x\n`,
    )
    assert.equal(second.images.get('other:x').id, image.configDigest)
    assert.deepEqual(await buffer(await save(second, name, 'other:x')), archive, 'the same bytes again')
    const { Descriptor } = await second.images.inspect(name, { platform: null, manifests: true })
    assert.equal(Descriptor?.digest, image.manifestDigest)
  })

  test('saves layers that have no compressed form, and all tags of a repository', async () => {
    await using first = openImageRoot()
    await using second = openImageRoot()
    await load(first, streamOf(tarOf(dockerArchive())))
    await first.images.tag('app:v1', { repository: 'app', tag: 'v2' })
    assert.equal(await load(second, await save(first, 'app')), 'Loaded image: app:v1\nLoaded image: app:v2\n')
    assert.equal(
      await load(second, await save(first, image.configDigest)),
      `Loaded image ID: ${image.configDigest}\n`,
    )
    await assert.rejects(save(first, 'app', 'nope'), {
      constructor: NotFoundError,
      message: 'No such image: nope',
    })
  })

  test('refuses a platform that the image is not of', async () => {
    await using root = openImageRoot()
    await load(root, streamOf(tarOf(dockerArchive())))
    const options = { platforms: [{ os: 'linux', architecture: 's390x' }], signal: NEVER }
    await assert.rejects(root.images.save(['app:v1'], options), NotFoundError)
  })
})

describe('other tools', () => {
  const skopeo = (...args: string[]): string =>
    execFileSync('skopeo', ['--insecure-policy', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  /** An archive of the image on disk, as wharf saves it. */
  async function savedFile(directory: string): Promise<string> {
    await using root = openImageRoot()
    await load(root, streamOf(tarOf(dockerArchive())))
    const file = join(directory, 'saved.tar')
    writeFileSync(file, await buffer(await save(root, 'app:v1')))
    return file
  }

  test('skopeo reads what is saved, and its archives are loaded', async () => {
    const directory = scratchDirectory('skopeo')
    const file = await savedFile(directory)
    const inspected = JSON.parse(skopeo('inspect', '--config', `docker-archive:${file}:app:v1`)) as {
      rootfs: { diff_ids: string[] }
    }
    assert.deepEqual(
      inspected.rootfs.diff_ids,
      image.layers.map((layer) => layer.diffId),
    )
    skopeo('copy', `docker-archive:${file}:app:v1`, `oci-archive:${directory}/oci.tar:from-skopeo:v2`)
    skopeo('copy', `docker-archive:${file}:app:v1`, `docker-archive:${directory}/docker.tar:from-skopeo:v3`)
    await using root = openImageRoot()
    assert.match(
      await load(root, Readable.from([readFileSync(`${directory}/oci.tar`)])),
      /^Loaded image: from-skopeo:v2\n$/,
    )
    assert.match(
      await load(root, Readable.from([readFileSync(`${directory}/docker.tar`)])),
      /^Loaded image: from-skopeo:v3\n$/,
    )
    for (const name of ['from-skopeo:v2', 'from-skopeo:v3']) {
      assert.deepEqual(
        root.images.get(name).layers,
        image.layers.map((layer) => layer.diffId),
      )
    }
  })

  test('umoci unpacks what is saved', async () => {
    const directory = scratchDirectory('umoci')
    const file = await savedFile(directory)
    mkdirSync(`${directory}/layout`)
    execFileSync('tar', ['-xf', file, '-C', `${directory}/layout`])
    execFileSync('umoci', ['unpack', '--image', `${directory}/layout:v1`, `${directory}/bundle`], {
      stdio: 'pipe',
    })
    assert.equal(readFileSync(`${directory}/bundle/rootfs/etc/motd`, 'utf8'), 'hello')
  })
})

test('an OCI archive for several platforms loads the one asked for', async () => {
  const arm = makeImage([topTar], { architecture: 'arm64' })
  const blob = (bytes: Buffer): Part => ({ name: `blobs/sha256/${sha256(bytes).slice(7)}`, content: bytes })
  const entries = (...images: ServedImage[]): object[] =>
    images.map((one) => ({ mediaType: one.mediaType, digest: one.manifestDigest, size: one.manifest.length }))
  const nested = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: entries(image, arm) }))
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.index.v1+json',
        digest: sha256(nested),
        size: nested.length,
        annotations: { 'io.containerd.image.name': 'docker.io/library/multi:v1' },
      },
    ],
  }
  const parts = [
    ...[image, arm].flatMap((one) => [
      blob(one.manifest),
      blob(one.config),
      ...one.layers.map((layer) => blob(layer.blob)),
    ]),
    blob(nested),
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify(index) },
  ]
  const unique = parts.filter((part, at) => parts.findIndex((other) => other.name === part.name) === at)
  await using root = openImageRoot()
  const platforms = [{ os: 'linux', architecture: 'arm64' }]
  assert.equal(await load(root, streamOf(tarOf(unique)), { platforms }), 'Loaded image: multi:v1\n')
  assert.equal(root.images.get('multi:v1').id, arm.configDigest)
  await assert.rejects(
    load(root, streamOf(tarOf(unique)), { platforms: [{ os: 'linux', architecture: 's390x' }] }),
    InvalidArgumentError,
  )
})
