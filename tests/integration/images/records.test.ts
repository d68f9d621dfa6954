import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConflictError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { Digest } from '#base/digest.ts'
import type { ImageRecord } from '#images/image-service.ts'
import { parseReference } from '#spec/reference.ts'
import { streamOf, tarOf } from '../layers/fixture.ts'
import { openImageRoot, type ImageRoot } from './open-image-root.ts'

const NEVER = new AbortController().signal

/** Makes an image of these layers, named. */
async function make(
  { images, storage }: ImageRoot,
  options: {
    readonly names?: readonly string[]
    readonly layers?: readonly string[]
    readonly labels?: Record<string, string>
    readonly created?: string
    readonly parent?: Digest
  } = {},
): Promise<ImageRecord> {
  using _held = images.holdLayers()
  const diffIds: Digest[] = []
  for (const content of options.layers ?? ['x']) {
    const stream = streamOf(tarOf([{ name: content, content }]))
    diffIds.push((await storage.layers.ingest({ stream })).diffId)
  }
  const created = options.created ?? '2024-05-06T07:08:09.123456789Z'
  return await images.create({
    config: {
      os: 'linux',
      architecture: 'amd64',
      created,
      config: { Cmd: ['sh'], ...(options.labels === undefined ? {} : { Labels: options.labels }) },
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [
        { created, created_by: 'base' },
        { created, created_by: 'ENV A=b', empty_layer: true },
      ],
    },
    parent: options.parent ?? null,
    references: (options.names ?? []).map(parseReference),
  })
}

const deleted = (items: readonly { Untagged?: string | null; Deleted?: string | null }[]): string[] =>
  items.map((item) => (item.Untagged != null ? `untagged ${item.Untagged}` : `deleted ${item.Deleted}`))
const removeOptions = { force: false, noPrune: false, platforms: [] }

describe('get', () => {
  test('finds an image by name, id and prefix', async () => {
    await using root = openImageRoot()
    const image = await make(root, { names: ['app:v1'] })
    for (const name of [
      'app:v1',
      'docker.io/library/app:v1',
      image.id,
      image.id.slice(7),
      image.id.slice(7, 19),
      image.id.slice(0, 20),
    ]) {
      assert.equal(root.images.get(name).id, image.id, name)
    }
  })

  test('says what is missing in Docker’s words', async () => {
    await using root = openImageRoot()
    const hex = 'ab'.repeat(32)
    for (const [name, message] of [
      ['app', 'No such image: app:latest'],
      ['docker.io/library/app:v2', 'No such image: app:v2'],
      [`sha256:${hex}`, `No such image: sha256:${hex}`],
      ['abc123', 'No such image: abc123:latest'],
    ] as const) {
      assert.throws(() => root.images.get(name), { constructor: NotFoundError, message })
      assert.equal(root.images.find(name), null)
    }
    assert.throws(() => root.images.get('UPPER'), InvalidArgumentError)
    await make(root, { names: ['app'] })
    assert.throws(() => root.images.get('app', { platform: { os: 'linux', architecture: 'arm64' } }), {
      constructor: NotFoundError,
      message:
        'image with reference app was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)',
    })
  })

  test('survives another opening of the data root', async () => {
    const first = openImageRoot()
    const { root: path } = first
    const image = await make(first, { names: ['app:v1'], labels: { a: 'b' } })
    await first[Symbol.asyncDispose]()
    await using second = openImageRoot({ root: path })
    assert.deepEqual(second.images.get('app:v1'), image)
  })
})

describe('tag', () => {
  test('moves a name, and tells', async () => {
    await using root = openImageRoot()
    const [one, two] = [await make(root, { names: ['app'] }), await make(root, { layers: ['y'] })]
    await root.images.tag(two.id, { repository: 'app', tag: 'latest' })
    assert.equal(root.images.get('app').id, two.id)
    assert.deepEqual(root.images.get(one.id).repoTags, [])
    const { action, attributes } = root.events.at(-1) ?? {}
    assert.deepEqual([action, attributes?.['name']], ['tag', 'app:latest'])
  })

  test('refuses names that mislead', async () => {
    await using root = openImageRoot()
    await make(root, { names: ['app'] })
    for (const [repository, tag, message] of [
      [`app@sha256:${'a'.repeat(64)}`, '', 'refusing to create a tag with a digest reference'],
      ['sha256', 'x', 'refusing to create an ambiguous tag using digest algorithm as name'],
      ['app', 'a/b', 'invalid tag format'],
    ] as const) {
      await assert.rejects(root.images.tag('app', { repository, tag }), { message })
    }
  })
})

describe('list', () => {
  const ids = async (root: ImageRoot, filters: [string, string[]][] = [], all = false): Promise<string[]> => {
    const images = await root.images.list({
      all,
      filters: new Map(filters),
      sharedSize: true,
      manifests: false,
    })
    return images.map((image) => image.RepoTags[0] ?? '<none>')
  }

  test('filters as Docker', async () => {
    await using root = openImageRoot()
    await make(root, { names: ['old:1'], created: '2020-01-01T00:00:00Z', labels: { tier: 'web', x: 'y' } })
    await make(root, {
      names: ['mid:1', 'r.example/mid:1'],
      created: '2021-01-01T00:00:00Z',
      labels: { tier: 'db' },
    })
    await make(root, { names: ['new:1'], created: '2022-01-01T00:00:00Z' })
    await make(root, { created: '2023-01-01T00:00:00Z' })
    assert.deepEqual(await ids(root), ['<none>', 'new:1', 'mid:1', 'old:1'])
    assert.deepEqual(await ids(root, [['dangling', ['true']]]), ['<none>'])
    assert.deepEqual(await ids(root, [['dangling', ['false']]]), ['new:1', 'mid:1', 'old:1'])
    assert.deepEqual(await ids(root, [['label', ['tier']]]), ['mid:1', 'old:1'])
    assert.deepEqual(await ids(root, [['label', ['tier=web', 'x']]]), ['old:1'])
    assert.deepEqual(await ids(root, [['before', ['mid:1']]]), ['old:1'])
    assert.deepEqual(await ids(root, [['since', ['mid:1']]]), ['<none>', 'new:1'])
    assert.deepEqual(await ids(root, [['until', ['2021-06-01']]]), ['mid:1', 'old:1'])
    assert.deepEqual(await ids(root, [['reference', ['m*']]]), ['mid:1'])
    assert.deepEqual(await ids(root, [['reference', ['r.example/*:1']]]), ['r.example/mid:1'])
    await assert.rejects(ids(root, [['nope', ['x']]]), { message: "invalid filter 'nope'" })
    await assert.rejects(ids(root, [['dangling', ['perhaps']]]), {
      message: "invalid filter 'dangling=[perhaps]'",
    })
    await assert.rejects(ids(root, [['before', ['nope']]]), { message: 'No such image: nope:latest' })
  })

  test('counts what images share', async () => {
    await using root = openImageRoot()
    await make(root, { names: ['a'], layers: ['base', 'aa'] })
    await make(root, { names: ['b'], layers: ['base', 'bbb'] })
    const { images, layersSizeBytes } = await root.images.diskUsage()
    assert.deepEqual(images.map(({ Size, SharedSize }) => [Size, SharedSize]).toSorted(), [
      [6, 4],
      [7, 4],
    ])
    assert.equal(layersSizeBytes, 'base'.length + 'aa'.length + 'bbb'.length)
  })

  test('history shows steps, newest first, and where they came from', async () => {
    await using root = openImageRoot()
    const image = await make(root, { names: ['app:v1'] })
    const steps = await root.images.history('app:v1', { platform: null })
    assert.deepEqual(
      steps.map(({ Id, CreatedBy, Size, Tags }) => ({ Id, CreatedBy, Size, Tags })),
      [
        { Id: image.id, CreatedBy: 'ENV A=b', Size: 0, Tags: ['app:v1'] },
        { Id: '<missing>', CreatedBy: 'base', Size: 1, Tags: null },
      ],
    )
  })
})

describe('remove', () => {
  test('untags first, deletes with the last name, and frees what no other image has', async () => {
    await using root = openImageRoot()
    const image = await make(root, { names: ['a:1', 'b:1'], layers: ['base', 'top'] })
    await make(root, { names: ['other'], layers: ['base'] })
    assert.deepEqual(deleted(await root.images.remove('a:1', removeOptions)), ['untagged a:1'])
    const last = deleted(await root.images.remove('b:1', removeOptions))
    assert.deepEqual(last.slice(0, 2), ['untagged b:1', `deleted ${image.id}`])
    assert.equal(last.length, 3, 'one layer of two goes')
    assert.deepEqual(await root.leftovers(), { layers: 1, blobs: 0, incoming: 0 })
    const told = root.events.map(({ action }) => action)
    assert.deepEqual(told, ['tag', 'tag', 'tag', 'untag', 'untag', 'delete'])
  })

  test('by id needs force when there are several names', async () => {
    await using root = openImageRoot()
    const image = await make(root, { names: ['a:1', 'b:1'] })
    const short = image.id.slice(7, 19)
    await assert.rejects(root.images.remove(short, removeOptions), {
      constructor: ConflictError,
      message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    })
    assert.equal((await root.images.remove(short, { ...removeOptions, force: true })).length, 4)
  })

  test('leaves what containers use', async () => {
    await using root = openImageRoot()
    const image = await make(root, { names: ['app:v1'] })
    const short = image.id.slice(7, 19)
    const containerId = 'c0ffee'.repeat(10)
    root.users.set(image.id, [{ containerId, running: false }])
    await assert.rejects(root.images.remove('app:v1', removeOptions), {
      constructor: ConflictError,
      message: `conflict: unable to remove repository reference "app:v1" (must force) - container ${containerId.slice(0, 12)} is using its referenced image ${short}`,
    })
    await assert.rejects(root.images.remove(short, removeOptions), {
      message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${containerId.slice(0, 12)}`,
    })
    root.users.set(image.id, [{ containerId, running: true }])
    await assert.rejects(root.images.remove(short, { ...removeOptions, force: true }), {
      message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${containerId.slice(0, 12)}`,
    })
    assert.deepEqual(root.images.get(image.id).repoTags, ['app:v1'], 'a refused removal changes nothing')
    assert.deepEqual(deleted(await root.images.remove('app:v1', { ...removeOptions, force: true })), [
      'untagged app:v1',
    ])
    assert.equal(root.images.count(), 1)
  })

  test('leaves what other images stand on, and takes it along when it is of no other use', async () => {
    await using root = openImageRoot()
    const parent = await make(root, { layers: ['base'] })
    const child = await make(root, { names: ['child'], layers: ['base', 'top'], parent: parent.id })
    const short = parent.id.slice(7, 19)
    await assert.rejects(root.images.remove(short, { ...removeOptions, force: true }), {
      message: `conflict: unable to delete ${short} (cannot be forced) - image has dependent child images`,
    })
    const items = deleted(await root.images.remove('child', removeOptions))
    assert.ok(items.includes(`deleted ${child.id}`) && items.includes(`deleted ${parent.id}`))
    assert.equal(root.images.count(), 0)
  })

  test('prune removes what has no name, or all that nobody uses', async () => {
    await using root = openImageRoot()
    await make(root, { layers: ['dangling'] })
    await make(root, { names: ['named'], layers: ['named!'] })
    const used = await make(root, { names: ['used'], layers: ['used'] })
    root.users.set(used.id, [{ containerId: 'c', running: false }])
    const first = await root.images.prune(new Map())
    assert.equal(first.SpaceReclaimed, 'dangling'.length)
    assert.equal(root.images.count(), 2)
    const second = await root.images.prune(new Map([['dangling', ['false']]]))
    assert.equal(second.SpaceReclaimed, 'named!'.length)
    assert.deepEqual(
      root.images.all().map((image) => image.id),
      [used.id],
    )
    assert.equal((await root.images.prune(new Map())).ImagesDeleted, null)
    await assert.rejects(root.images.prune(new Map([['reference', ['x']]])), {
      message: "invalid filter 'reference'",
    })
  })
})

test('import makes an image of one layer with the changes asked for', async () => {
  await using root = openImageRoot()
  const said: unknown[] = []
  await root.images.import(
    streamOf(
      tarOf([
        { name: 'etc/', content: '' },
        { name: 'etc/os', content: 'test' },
      ]),
    ),
    {
      reference: 'imported:v1',
      message: 'from a test',
      changes: ['CMD ["/bin/sh"]', 'ENV A=b', 'LABEL x="y z"', 'EXPOSE 80', 'WORKDIR /w'],
      platform: { os: 'linux', architecture: 'arm64' },
      signal: NEVER,
      progress: (message) => said.push(message),
    },
  )
  const image = root.images.get('imported:v1')
  assert.deepEqual(said, [{ status: image.id }])
  assert.equal(image.platform.architecture, 'arm64')
  assert.equal(image.config.comment, 'from a test')
  const { Cmd, Env, Labels, ExposedPorts, WorkingDir } = image.config.config ?? {}
  assert.deepEqual(
    { Cmd, Env, Labels, ExposedPorts, WorkingDir },
    {
      Cmd: ['/bin/sh'],
      Env: ['A=b'],
      Labels: { x: 'y z' },
      ExposedPorts: { '80/tcp': {} },
      WorkingDir: '/w',
    },
  )
})
