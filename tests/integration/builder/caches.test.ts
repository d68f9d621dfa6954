import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { RegistryServer } from '../../support/registry-server.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { builtImage, directoryOf, said, wharfBuild } from './wharf-build.ts'

/** Where builds leave their caches, and another daemon that has none. */
let first: Wharfd
let other: Wharfd
before(async () => {
  ;[first, other] = await Promise.all([Wharfd.startWithBusybox(), Wharfd.startWithBusybox()])
})
after(() => Promise.all([first.stop(), other.stop()]))
afterEach(async () => {
  for (const daemon of [first, other]) {
    const ids = await daemon.ok('images', '-q', '--filter', 'reference=*cached*')
    if (ids !== '') await daemon.ok('rmi', '-f', ...new Set(ids.split('\n')))
    await daemon.ok('image', 'prune', '-f')
    await daemon.ok('builder', 'prune', '-af', { env: { DOCKER_BUILDKIT: '0' } })
  }
})

const files = {
  Dockerfile: `FROM busybox AS tools
RUN echo "say tools"; echo made > /tool; echo > /left
FROM busybox
ENV who=me
RUN echo "say one"; head -c 8 /dev/urandom | md5sum > /one
COPY a /a
RUN echo "say two"; cat /a /one > /two
COPY --from=tools /tool /tool
CMD cat /two
`,
  a: 'a',
}

test('--cache-to a directory and --cache-from it: only what is needed of the result, or all', async () => {
  const folder = scratchDirectory('cache')
  const [min, max] = [join(folder, 'min'), join(folder, 'max')] as const
  const id = await builtImage(first, files, [
    ...['--cache-to', `type=local,dest=${min}`],
    ...['--cache-to', `type=local,dest=${max},mode=max`],
  ])
  const fromMin = await wharfBuild(other, files, ['--cache-from', `type=local,src=${min}`])
  assert.deepEqual(said(fromMin), ['tools'], fromMin.stdout + fromMin.stderr)
  await other.ok('builder', 'prune', '-af', { env: { DOCKER_BUILDKIT: '0' } })
  await other.ok('image', 'prune', '-f')
  const fromMax = await wharfBuild(other, files, ['-q', '--cache-from', `type=local,src=${max}`])
  assert.equal(fromMax.stdout.trim(), id, fromMax.stderr)
  const changed = await wharfBuild(other, { ...files, a: 'b' }, ['--cache-from', `type=local,src=${max}`])
  assert.deepEqual(said(changed), ['two'])
  const none = await wharfBuild(other, files, ['--cache-from', `type=local,src=${folder}/nothing`])
  assert.equal(none.exitCode, 0, none.stderr)
})

test('--cache-to a registry and --cache-from it', async () => {
  await using server = await RegistryServer.start()
  const ref = `${server.address}/cache:x`
  const id = await builtImage(first, files, ['--cache-to', `type=registry,ref=${ref},mode=max`])
  assert.equal(await first.ok('images', '-q', ref), '', 'the cache is no image of the store')
  const again = await wharfBuild(other, files, ['-q', '--cache-from', `type=registry,ref=${ref}`])
  assert.equal(again.stdout.trim(), id, again.stderr)
  assert.equal(await other.ok('images', '-q', ref), '')
  const missing = await wharfBuild(other, files, ['--cache-from', `${server.address}/no:such`])
  assert.equal(missing.exitCode, 0, missing.stderr)
  assert.match(missing.stderr, /\[Warning\] cache from .*no:such/)
})

test('--cache-to=inline: the pushed image is its own cache', async () => {
  await using server = await RegistryServer.start()
  const name = `${server.address}/cached:inline`
  await builtImage(first, files, ['-t', name, '--push', '--cache-to', 'type=inline'])
  const again = await wharfBuild(other, files, ['--cache-from', name])
  assert.deepEqual(said(again), ['tools'], again.stdout)
})

test('an image without records is a cache by its history, until a file changes', async () => {
  await using server = await RegistryServer.start()
  const name = `${server.address}/cached:plain`
  await builtImage(first, files, ['-t', name, '--push'])
  const changed = await wharfBuild(other, { ...files, a: 'b' }, ['--cache-from', name])
  assert.deepEqual(said(changed).toSorted(), ['tools', 'two'], changed.stdout)
  await other.ok('builder', 'prune', '-af', { env: { DOCKER_BUILDKIT: '0' } })
  const again = await wharfBuild(other, files, ['--cache-from', name])
  assert.deepEqual(said(again), ['tools'], again.stdout)
})

test('docker build --cache-from takes the layers of an image that is here', async () => {
  await builtImage(first, files, ['-t', 'cached:here'])
  await first.ok('save', '-o', join(scratchDirectory('i'), 'i.tar'), 'cached:here')
  const archive = join(scratchDirectory('i'), 'i.tar')
  await first.ok('save', '-o', archive, 'cached:here')
  await other.ok('load', '-i', archive)
  const built = await other.docker('build', '--cache-from', 'cached:here,nothing:here', directoryOf(files), {
    env: { DOCKER_BUILDKIT: '0' },
  })
  assert.equal(built.exitCode, 0, built.stderr)
  // The classic builder tells on standard output.
  assert.deepEqual(said({ ...built, stderr: built.stdout }), ['tools'])
})

test('the history of the classic builder is understood', async () => {
  const base = await other.ok('inspect', '-f', '{{json .RootFS.Layers}}', 'busybox')
  await other.ok('create', '--name', 'classic', 'busybox', 'true')
  await other.ok('cp', join(directoryOf({ made: 'by hand' }), 'made'), 'classic:/made')
  const archive = join(scratchDirectory('i'), 'i.tar')
  // What dockerd's classic builder writes for the Dockerfile below.
  await other.ok('commit', '--change', 'CMD ["cat", "/made"]', 'classic', 'cached:classic')
  await other.ok('rm', 'classic')
  await other.ok('save', '-o', archive, 'cached:classic')
  const rewritten = rewriteHistory(archive, [
    { created_by: '/bin/sh -c echo by hand > /made' },
    { created_by: '/bin/sh -c #(nop)  CMD ["cat" "/made"]', empty_layer: true },
  ])
  await other.ok('rmi', 'cached:classic')
  await other.ok('load', '-i', rewritten)
  const built = await wharfBuild(
    other,
    { Dockerfile: 'FROM busybox\nRUN echo by hand > /made\nCMD ["cat", "/made"]' },
    ['--cache-from', 'cached:classic'],
  )
  assert.match(built.stderr, /CACHED/, built.stderr + base)
})

/** The archive's image with other lines at the end of its history. */
function rewriteHistory(archive: string, lines: readonly object[]): string {
  const folder = scratchDirectory('unpacked')
  execFileSync('tar', ['-xf', archive, '-C', folder])
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const [entry] = read('manifest.json') as [{ Config: string; RepoTags: string[]; Layers: string[] }]
  const config = read(entry.Config) as { history: object[] }
  const before = config.history.slice(0, config.history.length - 1)
  const stamped = lines.map((line) => ({ created: '2024-01-02T03:04:05Z', ...line }))
  writeFileSync(join(folder, 'c.json'), JSON.stringify({ ...config, history: [...before, ...stamped] }))
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify([{ ...entry, Config: 'c.json' }]))
  const result = join(folder, 'rewritten.tar')
  const names = ['manifest.json', 'c.json', ...entry.Layers]
  execFileSync('tar', ['-cf', result, '-C', folder, ...names])
  return result
}

test('cache mounts can be taken along', async () => {
  const folder = join(scratchDirectory('cache'), 'with-mounts')
  const mounted = (run: string) => ({
    Dockerfile: `FROM busybox\nRUN --mount=type=cache,id=taken,target=/c,mode=0700,uid=5 ${run}`,
  })
  await builtImage(first, mounted('echo kept > /c/f'), [
    '--cache-to',
    `type=local,dest=${folder},mounts=true`,
  ])
  const built = await wharfBuild(other, mounted("sed 's/^/say /' /c/f; stat -c 'say %a %u' /c"), [
    '--cache-from',
    `type=local,src=${folder}`,
  ])
  assert.deepEqual(said(built), ['kept', '700 5'], built.stdout + built.stderr)
})

test('a cache that lies about its layers is not used', async () => {
  const folder = join(scratchDirectory('cache'), 'hostile')
  await builtImage(first, files, ['--cache-to', `type=local,dest=${folder},mode=max`])
  const blobs = join(folder, 'blobs/sha256')
  for (const name of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, name))
    if (bytes[0] === 0x1f) writeFileSync(join(blobs, name), bytes.subarray(0, bytes.length - 9))
  }
  const built = await wharfBuild(other, files, ['--cache-from', `type=local,src=${folder}`])
  assert.equal(built.exitCode, 0, built.stderr)
  assert.match(built.stderr, /\[Warning\] cache from 0/)
  assert.deepEqual(said(built).toSorted(), ['one', 'tools', 'two'])
})

for (const [flag, error] of [
  ['--cache-to=type=gha', /unknown cache exporter: "gha"/],
  ['--cache-from=type=s3,bucket=b', /unknown cache importer: "s3"/],
  ['--cache-to=type=local', /dest is required/],
  ['--cache-to=type=registry', /ref required/],
  ['--cache-to=type=inline,mode=most', /invalid cache mode/],
] as const) {
  test(`wharf build ${flag} is refused`, async () => {
    const built = await wharfBuild(first, files, [flag])
    assert.notEqual(built.exitCode, 0)
    assert.match(built.stderr, error)
    assert.equal(existsSync('gha'), false)
  })
}
