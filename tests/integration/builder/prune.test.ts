import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharfArgv, wharfEnv, wharfOk } from '../cli/wharf-cli.ts'
import { builtImage, directoryOf } from './wharf-build.ts'

interface Item {
  readonly Type: string
  readonly Description: string
  readonly Size: number
  readonly InUse: boolean
}

let daemon: Wharfd
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

const classic = { env: { DOCKER_BUILDKIT: '0' } }
const MB = 1_000_000

async function items(): Promise<readonly Item[]> {
  const { body } = await daemon.api('GET', '/v1.44/system/df?type=build-cache')
  return (body as { BuildCache: Item[] | null }).BuildCache ?? []
}

async function prune(...args: readonly string[]): Promise<void> {
  await wharfOk(daemon, ['builder', 'prune', '-f', ...args])
}

/** Builds an image, without a name, whose one layer is of this size. */
async function cached(name: string, megabytes: number): Promise<void> {
  const id = await builtImage(daemon, {
    Dockerfile: `FROM busybox\nRUN head -c ${megabytes * MB} /dev/urandom > /${name}`,
  })
  await daemon.ok('rmi', id)
}

test('prune keeps what it is told to, and lets the least recently used go first', async () => {
  await prune('-a')
  for (const name of ['first', 'second', 'third']) await cached(name, 3)
  const left = async (): Promise<string> =>
    (await items())
      .map(({ Description }) => /(first|second|third)/.exec(Description)?.[1] ?? '')
      .filter((name) => name !== '')
      .toSorted()
      .join(' ')
  assert.equal(await left(), 'first second third')
  await prune('--max-used-space', '7mb')
  assert.equal(await left(), 'second third')
  await prune('--max-used-space', '1mb', '--reserved-space', '4mb')
  assert.equal(await left(), 'third')
  await prune('--min-free-space', '1')
  assert.equal(await left(), 'third', 'there is more free than that')
  await prune('--filter', 'until=1h')
  assert.equal(await left(), 'third')
  await prune('--filter', 'description=no such thing')
  assert.equal(await left(), 'third')
  await prune()
  assert.equal(await left(), '')
})

test('cache mounts are in system df, are pruned, and not while they are used', async () => {
  await prune('-a')
  const dockerfile = (run: string): string =>
    `FROM busybox\nRUN --mount=type=cache,id=measured,target=/c ${run}`
  await builtImage(daemon, { Dockerfile: dockerfile('head -c 2000000 /dev/zero > /c/f') })
  const mount = async (): Promise<Item | undefined> =>
    (await items()).find(({ Type }) => Type === 'exec.cachemount')
  await until('the mount is measured', async () => (await mount())?.Size === 2 * MB)
  assert.equal((await mount())?.Description, 'cached mount measured')
  assert.match(await daemon.ok('system', 'df', '-v'), /exec\.cachemount/)
  const building = builtImage(daemon, {
    Dockerfile: dockerfile('test -s /c/f && touch /c/on && sleep 3 && test -s /c/f'),
  })
  await until('the mount is used', async () => (await mount())?.InUse === true)
  await prune('-a')
  await building
  const directory = join(daemon.root, 'data/builder/cache')
  assert.equal(readdirSync(directory).length, 1)
  await prune('-a')
  assert.deepEqual(readdirSync(directory), [])
  assert.equal(await mount(), undefined)
})

test('builder.gc keeps the cache within its size after each build', async () => {
  const small = await Wharfd.startWithBusybox({
    config: { builder: { gc: { enabled: true, policy: [{ all: true, keepStorage: '4MB' }] } } },
  })
  try {
    const sizes = async (): Promise<number> => {
      const { body } = await small.api('GET', '/v1.44/system/df?type=build-cache')
      return ((body as { BuildCache: Item[] | null }).BuildCache ?? []).reduce(
        (sum, { Size }) => sum + Size,
        0,
      )
    }
    for (const name of ['one', 'two', 'three'])
      await builtImage(small, { Dockerfile: `FROM busybox\nRUN head -c ${3 * MB} /dev/urandom > /${name}` })
    await until('the cache is small again', async () => (await sizes()) <= 4 * MB)
    await small.terminate()
    const wrong = small.restart({ config: { builder: { gc: { policy: [{ keepStorage: 'much' }] } } } })
    await assert.rejects(wrong, /invalid size "much" of builder\.gc: keepStorage/)
  } finally {
    await small.restart({})
    await small.stop()
  }
})

test('a client that leaves ends its build at once, and nothing of it stays', async () => {
  const directory = directoryOf({
    Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=s --mount=type=cache,target=/c sleep 600',
  })
  const args = ['build', '--no-cache', '--secret', 'id=s,env=HERE', directory]
  const [program = '', ...words] = [...wharfArgv, ...args]
  const client = spawn(program, words, {
    env: { ...process.env, ...wharfEnv(daemon), HERE: 'x' },
    stdio: 'ignore',
  })
  await until('the command runs', async () => (await daemon.ok('ps', '-q')) !== '')
  client.kill('SIGKILL')
  await until('its container is gone', async () => (await daemon.ok('ps', '-aq')) === '', {
    timeoutMs: 20_000,
  })
  await until(
    'its directories are gone',
    () => readdirSync(join(daemon.root, 'data/builder/tmp')).length === 0,
  )
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  assert.deepEqual(
    mounts.filter((line) => /build-secrets|builder\/tmp/.test(line) && line.includes(daemon.root)),
    [],
  )
  assert.equal(
    execFileSync('sh', ['-c', `find ${daemon.root} -path '*/build-secrets/*'`], { encoding: 'utf8' }),
    '',
  )
})

test('POST /build/cancel ends a build by its id', async () => {
  const tar = execFileSync('tar', [
    '-cf',
    '-',
    '-C',
    directoryOf({ Dockerfile: 'FROM busybox\nRUN sleep 601' }),
    '.',
  ])
  const building = daemon.api('POST', '/build?buildid=mine&nocache=1', tar)
  await until('the command runs', async () => (await daemon.ok('ps', '-q')) !== '')
  assert.equal((await daemon.api('POST', '/build/cancel?id=mine')).status, 200)
  assert.match(JSON.stringify((await building).body), /build cancelled/)
  await until('its container is gone', async () => (await daemon.ok('ps', '-aq', classic)) === '')
  assert.equal((await daemon.api('POST', '/build/cancel?id=mine')).status, 404)
})
