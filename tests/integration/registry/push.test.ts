import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { NotFoundError } from '#errors/errors.ts'
import { makeImage, RegistryServer, refuse, sha256 } from '../../support/registry-server.ts'
import { load, openImageRoot, pull, push, type ImageRoot } from '../images/open-image-root.ts'
import { streamOf, tarOf } from '../layers/fixture.ts'

/** Loads an image of these layers under a name. */
async function loaded(
  root: ImageRoot,
  name: string,
  tars: readonly Buffer[],
): Promise<ReturnType<typeof makeImage>> {
  const image = makeImage(tars, { mark: name })
  const layers = tars.map((_, index) => `layer${index}.tar`)
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: layers }])
  const parts = [
    ...tars.map((content, index) => ({ name: `layer${index}.tar`, content })),
    { name: 'config.json', content: image.config },
    { name: 'manifest.json', content: manifest },
  ]
  await load(root, streamOf(tarOf(parts)))
  return image
}

const base = tarOf([{ name: 'base', content: 'base' }])
const top = tarOf([{ name: 'top', content: 'top' }])
const shortOf = (tar: Buffer): string => sha256(tar).slice(7, 19)

describe('push', () => {
  test('uploads what is missing, and nothing twice', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const repository = `${server.address}/app`
    const image = await loaded(root, `${repository}:v1`, [base, top])
    const lines = await push(root, { repository, tag: 'v1' })
    assert.equal(lines[0], `The push refers to repository [${repository}]`)
    for (const tar of [base, top]) {
      const own = lines.filter((line) => line.startsWith(shortOf(tar))).map((line) => line.slice(13))
      assert.deepEqual([...new Set(own)], ['Preparing', 'Pushing', 'Pushed'])
    }
    const stored = server.manifests.get('app/v1')?.content ?? Buffer.alloc(0)
    assert.equal(lines.at(-1), `v1: digest: ${sha256(stored)} size: ${stored.length}`)
    assert.deepEqual(root.images.get(`${repository}:v1`).repoDigests, [`${repository}@${sha256(stored)}`])
    const uploads = server.count(/^PATCH/)
    const again = await push(root, { repository, tag: 'v1' })
    assert.equal(again.filter((line) => line.endsWith('Layer already exists')).length, 2)
    assert.equal(again.at(-1), lines.at(-1), 'the same digest each time')
    assert.equal(server.count(/^PATCH/), uploads)
    await using other = openImageRoot()
    await pull(other, `${repository}:v1`)
    assert.equal(other.images.get(`${repository}:v1`).id, image.configDigest)
  })

  test('pushes a manifest that was pulled byte for byte, to another registry too', async () => {
    await using server = await RegistryServer.start()
    await using other = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([base, top])
    server.add('app', 'v1', image)
    await pull(root, `${server.address}/app:v1`)
    await root.images.tag(`${server.address}/app:v1`, { repository: `${other.address}/copy`, tag: 'v2' })
    const lines = await push(root, { repository: `${other.address}/copy`, tag: 'v2' })
    assert.equal(lines.at(-1), `v2: digest: ${image.manifestDigest} size: ${image.manifest.length}`)
    assert.deepEqual(other.manifests.get('copy/v2')?.content, image.manifest)
  })

  test('takes layers from a neighbour', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const name = `${server.address}/one`
    await loaded(root, `${name}:latest`, [base])
    await push(root, { repository: name, tag: 'latest' })
    await root.images.tag(name, { repository: `${server.address}/two`, tag: 'latest' })
    // The registry of the test keeps blobs for all repositories: let it not know this one before the mount.
    server.script = (request, response) => {
      if (request.method !== 'HEAD' || !request.url?.includes('/two/blobs/')) return false
      response.writeHead(404).end()
      return true
    }
    const lines = await push(root, { repository: `${server.address}/two`, tag: 'latest' })
    assert.ok(lines.includes(`${shortOf(base)} Mounted from one`), lines.join('\n'))
  })

  test('goes on where a broken upload ended', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const repository = `${server.address}/app`
    const image = await loaded(root, `${repository}:v1`, [
      tarOf([{ name: 'big', content: randomBytes(3_000_000) }]),
    ])
    let broken = false
    const ranges: (string | undefined)[] = []
    server.script = (request, response) => {
      if (request.method !== 'PATCH') return false
      ranges.push(request.headers['content-range'])
      if (broken) return false
      broken = true
      const id = /uploads\/(\w+)/.exec(request.url ?? '')?.[1] ?? ''
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        const received = Buffer.concat(chunks)
        if (received.length < 1_000_000) return
        server.uploads.set(id, received)
        response.destroy()
      })
      return true
    }
    await push(root, { repository, tag: 'v1' })
    assert.equal(ranges.length, 2)
    assert.match(ranges[1] ?? '', /^[1-9]\d+-\d+$/)
    server.script = null
    await using other = openImageRoot()
    await pull(other, `${repository}:v1`)
    assert.equal(other.images.get(`${repository}:v1`).id, image.configDigest)
  })

  test('pushes all tags of a repository', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const repository = `${server.address}/app`
    await loaded(root, `${repository}:one`, [base])
    await loaded(root, `${repository}:two`, [top])
    await push(root, { repository, tag: null })
    assert.ok(server.manifests.has('app/one') && server.manifests.has('app/two'))
  })

  test('says what cannot be pushed in Docker’s words', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const repository = `${server.address}/app`
    await assert.rejects(push(root, { repository, tag: 'v1' }), {
      constructor: NotFoundError,
      message: `An image does not exist locally with the tag: ${repository}`,
    })
    await loaded(root, `${repository}:v1`, [base])
    await assert.rejects(push(root, { repository, tag: 'v2' }), {
      message: `tag does not exist: ${repository}:v2`,
    })
    await assert.rejects(
      push(root, { repository, tag: 'v1' }, { platform: { os: 'linux', architecture: 's390x' } }),
      {
        message:
          /^image with reference .*\/app:v1 was found but its platform \(linux\/amd64\) does not match/,
      },
    )
    server.script = (request, response) => {
      if (request.method === 'GET') return false
      refuse(response, 403, 'DENIED', 'requested access to the resource is denied')
      return true
    }
    await assert.rejects(push(root, { repository, tag: 'v1' }), {
      message: 'denied: requested access to the resource is denied',
    })
  })

  test('refuses a registry that stores another manifest', async () => {
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const repository = `${server.address}/app`
    await loaded(root, `${repository}:v1`, [base])
    server.script = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.includes('/manifests/')) return false
      response.writeHead(201, { 'Docker-Content-Digest': sha256('other') }).end()
      return true
    }
    await assert.rejects(push(root, { repository, tag: 'v1' }), {
      message: /^the registry stored the manifest as /,
    })
  })

  test('foreign layers are not pushed, and pulled from where they say', async () => {
    await using elsewhere = await RegistryServer.start()
    await using server = await RegistryServer.start()
    await using root = openImageRoot()
    const image = makeImage([base, top])
    const [foreign, own] = image.layers
    if (foreign === undefined || own === undefined) throw new Error('no layers')
    const manifest = JSON.parse(image.manifest.toString('utf8')) as { layers: Record<string, unknown>[] }
    manifest.layers[0] = {
      ...manifest.layers[0],
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['file:///etc/passwd', `${elsewhere.origin}/layer`],
    }
    elsewhere.script = (_request, response) => {
      response.end(foreign.blob)
      return true
    }
    const content = Buffer.from(JSON.stringify(manifest))
    server.blobs.set(image.configDigest, image.config)
    server.blobs.set(own.digest, own.blob)
    server.addManifest('app', 'v1', { content, mediaType: image.mediaType })
    await pull(root, `${server.address}/app:v1`)
    await using other = await RegistryServer.start()
    await root.images.tag(`${server.address}/app:v1`, { repository: `${other.address}/app`, tag: 'v1' })
    const lines = await push(root, { repository: `${other.address}/app`, tag: 'v1' })
    assert.ok(lines.includes(`${shortOf(base)} Skipped foreign layer`))
    assert.ok(!other.blobs.has(foreign.digest))
  })
})
