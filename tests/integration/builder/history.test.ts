import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { PastBuild, PastBuildDetails } from '#spec/build-history.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf, wharfOk } from '../cli/wharf-cli.ts'
import { directoryOf, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

const files = {
  Dockerfile: `FROM busybox
ARG WORD=one
RUN echo "$WORD" > /word
COPY src /src
RUN cat /src/a > /b
CMD cat /b
`,
  'src/a': 'a',
  'src/same': 'same',
}

async function explained(...words: string[]): Promise<PastBuildDetails> {
  return JSON.parse(
    await wharfOk(daemon, ['build', 'explain', '--format', 'json', ...words]),
  ) as PastBuildDetails
}

/** The reason of each step, and the words of those that were not taken from the cache. */
async function reasons(): Promise<readonly string[]> {
  const { Steps } = await explained()
  return Steps.map((step) => (step.Cached ? 'cached' : `${step.Reason}: ${step.Explanation}`))
}

async function build(changed: Record<string, string> = {}, ...args: string[]): Promise<void> {
  const built = await wharfBuild(daemon, { ...files, ...changed }, ['-t', 'explained', ...args])
  assert.equal(built.exitCode, 0, built.stderr)
}

const base = 'base: looked up in every build'

test('explain says of each step why it was taken from the cache or not', async () => {
  await build()
  assert.deepEqual((await reasons()).slice(1), Array(5).fill('first: no build that is kept had this step'))

  await build()
  assert.deepEqual(await reasons(), [base, ...Array<string>(5).fill('cached')])

  await build({ 'src/a': 'changed', 'src/new': 'new' })
  assert.deepEqual(await reasons(), [
    ...[base, 'cached', 'cached', 'files: files changed: src/a, src/new (new)'],
    ...['before: the step before it changed', 'before: the step before it changed'],
  ])

  await build({}, '--build-arg', 'WORD=two')
  const [, arg, run, copy] = await reasons()
  assert.match(arg as string, /^settings: changed: instruction$/)
  assert.match(run as string, /^settings: changed: variable WORD$/)
  assert.match(copy as string, /; the step before it changed$/)

  await build({ Dockerfile: files.Dockerfile.replace('RUN cat', 'RUN wc') })
  assert.equal((await reasons())[4], 'instruction: the instruction changed, it was: RUN cat /src/a > /b')

  await build({}, '--no-cache')
  assert.equal((await reasons())[2], 'unasked: asked for anew: --no-cache')

  await build()
  await daemon.ok('rmi', '-f', 'explained')
  await wharfOk(daemon, ['builder', 'prune', '-af'])
  await build()
  assert.match((await reasons())[2] as string, /^forgotten: /)
})

test('the history lists builds newest first, with their errors and logs', async () => {
  await build()
  const failed = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nRUN echo "say it"; exit 3\n' }, [
    '-t',
    'failing',
  ])
  assert.equal(failed.exitCode, 3, failed.stderr)
  const { body } = (await daemon.api('GET', '/build/history')) as { body: PastBuild[] }
  const [last, earlier] = body
  assert.deepEqual([last?.Result, last?.Tags, earlier?.Result], ['error', ['failing'], 'success'])
  assert.match(last?.Error ?? '', /exit code: 3|non-zero code: 3/)
  const id = last?.ID.slice(0, 12) as string
  const listed = await wharfOk(daemon, ['builder', 'history', '--format', '{{.ID}} {{.Name}} {{.Status}}'])
  assert.equal(listed.split('\n')[0], `${id} failing error`)
  assert.match(await wharfOk(daemon, ['builder', 'history', 'ls']), /^BUILD ID +NAME +CREATED +DURATION/)
  assert.match(
    await wharfOk(daemon, ['builder', 'history', 'logs', id]),
    /^\[2\/2\] RUN echo.*\nsay it\nERROR: /m,
  )
  assert.match(await wharfOk(daemon, ['builder', 'explain', id]), /^Build .*failing.*: error/)
  const none = await wharf(daemon, ['builder', 'history', 'logs', 'nothing'])
  assert.match(none.stderr, /no such build: nothing/)
})

test('build explain builds a directory of that name', async () => {
  const folder = scratchDirectory('named')
  mkdirSync(join(folder, 'explain'))
  writeFileSync(join(folder, 'explain', 'Dockerfile'), 'FROM busybox\nLABEL built=here\n')
  const built = await wharf(daemon, ['build', '-q', 'explain'], { cwd: folder })
  const alike = await wharf(daemon, ['build', 'explain', '-q'], { cwd: folder })
  assert.match(built.stdout, /^sha256:/, built.stderr)
  assert.equal(alike.stdout, built.stdout, alike.stderr)
})

test('what is kept of the output is its end', async () => {
  const text = 'FROM busybox\nRUN echo first; yes "some line of output" | head -n 30000; echo last\n'
  const built = await wharfBuild(daemon, { Dockerfile: text }, [])
  assert.equal(built.exitCode, 0, built.stderr)
  const { Log } = await explained()
  assert.ok(Log.length < 270_000 && Log.length > 100_000, String(Log.length))
  assert.match(Log, /^\(the beginning was not kept\)\n[^]*\nlast\n/)
})

test('a daemon that dies during a build leaves no record of it', async () => {
  const count = async (): Promise<number> => ((await daemon.api('GET', '/build/history')).body as []).length
  const before = await count()
  const context = directoryOf({ Dockerfile: 'FROM busybox\nRUN echo "say up"; sleep 1000\n' })
  const building = wharf(daemon, ['build', '--progress', 'plain', context])
  await until('the command runs', async () => (await daemon.ok('ps', '-q')) !== '')
  await daemon.crash()
  assert.notEqual((await building).exitCode, 0)
  assert.equal(await count(), before)
  await build()
  assert.equal(await count(), before + 1)
})
