import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { builtImage, directoryOf, said, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

async function output(dockerfile: string, ...args: readonly string[]): Promise<string> {
  const id = await builtImage(daemon, { Dockerfile: dockerfile }, args)
  return await daemon.ok('run', '--rm', id)
}

test('a directory is a context by name, without what it ignores', async () => {
  const more = directoryOf({ a: 'from more', 'sub/b': 'deep', c: 'no', '.dockerignore': 'c\n' })
  const given = ['--build-context', `more=${more}`]
  assert.equal(
    await output(
      'FROM busybox\nCOPY --from=more . /x\nCMD cat /x/a /x/sub/b; ls /x/c 2>/dev/null || true',
      ...given,
    ),
    'from moredeep',
  )
  assert.equal(
    await output('FROM busybox\nRUN --mount=from=more,target=/m cp /m/a /a\nCMD cat /a', ...given),
    'from more',
  )
})

test('a context takes the place of an image and of a stage', async () => {
  const root = scratchDirectory('root')
  mkdirSync(join(root, 'bin'))
  execFileSync('cp', ['/bin/busybox', join(root, 'bin/sh')])
  assert.equal(
    await output(
      'FROM alpine:3\nRUN echo made > /f\nCMD ["sh", "-c", "read x < /f; echo $x"]',
      '--build-context',
      `alpine:3=${root}`,
    ),
    'made',
  )
  const stage = directoryOf({ f: 'given' })
  assert.equal(
    await output(
      'FROM busybox AS made\nRUN exit 1\nFROM busybox\nCOPY --from=made /f /f\nCMD cat /f',
      '--build-context',
      `made=${stage}`,
    ),
    'given',
  )
})

test('an image is a context by name', async () => {
  await builtImage(daemon, { Dockerfile: 'FROM busybox\nRUN echo pinned > /p' }, ['-t', 'pinned:1'])
  const given = ['--build-context', 'docker.io/library/base:latest=docker-image://pinned:1']
  assert.equal(await output('FROM base\nCMD cat /p', ...given), 'pinned')
  assert.equal(await output('FROM busybox\nCOPY --from=base /p /q\nCMD cat /q', ...given), 'pinned')
})

test('an OCI layout on disk is a context by name, and leaves no image behind', async () => {
  const layout = scratchDirectory('layout')
  await builtImage(daemon, { Dockerfile: 'FROM busybox\nRUN echo laid > /l' }, ['-t', 'laid:1'])
  await daemon.ok('save', '-o', join(layout, 'i.tar'), 'laid:1')
  execFileSync('tar', ['-xf', join(layout, 'i.tar'), '-C', layout])
  await daemon.ok('rmi', 'laid:1')
  await daemon.ok('builder', 'prune', '-af', { env: { DOCKER_BUILDKIT: '0' } })
  assert.equal(
    await output('FROM laid\nCMD cat /l', '--build-context', `laid=oci-layout://${layout}:1`),
    'laid',
  )
  const wrong = await wharfBuild(daemon, { Dockerfile: 'FROM laid' }, [
    '--build-context',
    `laid=oci-layout://${layout}:2`,
  ])
  assert.match(wrong.stderr, /no image 2 in the OCI layout/)
})

test('a context that is not used is not asked for; one that is missing is an error', async () => {
  assert.equal(
    await output('FROM busybox\nCMD echo ok', '--build-context', 'x=docker-image://no/such:image'),
    'ok',
  )
  const missing = await wharfBuild(daemon, { Dockerfile: 'FROM busybox' }, [
    '--build-context',
    'x=/nonexistent',
  ])
  assert.match(missing.stderr, /failed to get build context x: stat \/nonexistent: no such file or directory/)
  const { status, body } = await daemon.api(
    'POST',
    `/build?buildcontexts=${encodeURIComponent('{"x":"file:///etc"}')}`,
    execFileSync('tar', ['-cf', '-', '-C', directoryOf({ Dockerfile: 'FROM busybox' }), '.']),
  )
  assert.equal(status, 400, JSON.stringify(body))
  assert.match(JSON.stringify(body), /unsupported context source/)
})

test('a link in a context leads nowhere else', async () => {
  const hostile = directoryOf({ l: '->/etc/shadow', up: '->../../../../../../etc' })
  const built = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nCOPY --from=h up/shadow /s' }, [
    '--build-context',
    `h=${hostile}`,
  ])
  assert.equal(built.exitCode, 1)
  assert.match(built.stderr, /file does not exist/)
})

test('--no-cache-filter does the steps of a stage anew, and no others', async () => {
  const files = {
    Dockerfile: `FROM busybox AS one
RUN echo "say one"
FROM busybox AS Two
RUN echo "say two" > /f; cat /f
FROM busybox
COPY --from=two /f /f
RUN echo "say three"
`,
  }
  await builtImage(daemon, files)
  assert.deepEqual(said(await wharfBuild(daemon, files)), [])
  assert.deepEqual(said(await wharfBuild(daemon, files, ['--no-cache-filter', 'two'])), ['two'])
})
