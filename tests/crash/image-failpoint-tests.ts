/**
 * Pull, push, load, import, commit, removal and prune, the daemon killed at each failpoint on their way: it comes back with each image
 * there as a whole or not at all, nothing is left of the rest, and the same can be done again.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { DataUsage } from '#spec/data-usage.ts'
import { run } from '../support/engine.ts'
import { loopDisk } from '../support/loop-disk.ts'
import { makeImage, RegistryServer } from '../support/registry-server.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { until } from '../support/until.ts'
import { Wharfd, type WharfdOptions } from '../support/wharfd.ts'
import { tarOf } from '../integration/layers/fixture.ts'
import { imageFailpoints } from './failpoint-tests.ts'

/** Only drivers of their own reach these. */
const OF_BTRFS = /^images\.(?:stack|subvolume)\./
const quick = { timeoutMs: 30_000 }

let registry: RegistryServer
let directory = ''

/** Declares what the tests of one file share: a registry, and archives. */
function withRegistry(): void {
  before(async () => {
    directory = scratchDirectory('images')
    registry = await RegistryServer.start()
    const layers = ['one', 'two'].map((name) =>
      tarOf([{ name, content: randomBytes(300_000) }, { name: 'etc/' }]),
    )
    registry.add('app', 'v1', makeImage(layers, { config: { Cmd: ['x'] } }))
    writeFileSync(`${directory}/import.tar`, tarOf([{ name: 'imported', content: 'yes' }]))
  })
  after(() => registry[Symbol.asyncDispose]())
}

/** The steps, each a command of the stock client; those after the daemon has died are left out. */
function steps(ofCreate: readonly string[]): readonly (readonly string[])[] {
  const app = `${registry.address}/app`
  return [
    ['pull', `${app}:v1`],
    ['create', '--name', 'made', ...ofCreate, `${app}:v1`],
    ['cp', `${directory}/import.tar`, 'made:/added'],
    ['commit', 'made', `${app}:v2`],
    ['rm', 'made'],
    ['push', `${app}:v2`],
    ['save', '-o', `${directory}/saved.tar`, `${app}:v2`],
    ['rmi', `${app}:v2`],
    ['load', '-i', `${directory}/saved.tar`],
    ['import', `${directory}/import.tar`, 'imported:x'],
    ['image', 'prune', '-af'],
  ]
}

/** What must hold after any crash: see the head of this file. */
async function assertWhole(daemon: Wharfd): Promise<void> {
  const images = (await daemon.call('GET', '/images/json?all=1')) as { Id: string; RepoTags: string[] }[]
  for (const { Id } of images) {
    const id = await daemon.ok('create', Id, 'x')
    const listed = await run(['sh', '-c', `docker export ${id} | tar -tf - >/dev/null && echo whole`], {
      env: { DOCKER_HOST: `unix://${daemon.socketPath}` },
    })
    assert.equal(listed.stdout, 'whole\n', listed.stderr)
    await daemon.ok('rm', id)
  }
  await until('nothing belongs to nobody', async () => (await strays(daemon)).length === 0).catch(
    async () => {
      assert.deepEqual(await strays(daemon), [], daemon.logTail())
    },
  )
  const { Problems } = (await daemon.call('POST', '/wharf/check')) as { Problems: unknown[] }
  assert.deepEqual(Problems, [])
}

async function strays(daemon: Wharfd): Promise<readonly string[]> {
  const { Items } = (await daemon.call('GET', '/wharf/data-usage')) as DataUsage
  return Items.filter(({ Kind }) => Kind === 'orphan' || Kind === 'temporary').map(({ Path }) => Path)
}

/** Runs the steps until the daemon dies; tells the one in which it did. */
async function untilDead(daemon: Wharfd, ofCreate: readonly string[]): Promise<string | null> {
  for (const step of steps(ofCreate)) {
    await daemon.docker(...step, quick)
    if (!daemon.isRunning) return step.join(' ')
  }
  // What the daemon does after its answer.
  await until('it dies', () => !daemon.isRunning, { timeoutMs: 5000 }).catch(() => {})
  return daemon.isRunning ? null : 'what comes after'
}

async function crashAt(
  daemon: Wharfd,
  name: string,
  { ofCreate = [], ...options }: WharfdOptions & { readonly ofCreate?: readonly string[] } = {},
): Promise<void> {
  await daemon.terminate()
  await daemon.restart({ ...options, env: { WHARF_FAILPOINTS: `${name}=1*kill` } })
  const died = await untilDead(daemon, ofCreate)
  assert.ok(died !== null, 'no step reaches it')
  await daemon.restart(options)
  try {
    await daemon.docker('rm', '-f', 'made')
    await assertWhole(daemon)
    for (const step of steps(ofCreate)) await daemon.ok(...step)
    await until(
      'all is gone',
      async () => ((await daemon.call('GET', '/images/json?all=1')) as []).length === 0,
    )
    await assertWhole(daemon)
  } catch (cause) {
    throw new Error(`after it died in "${died}": ${daemon.logTail()}`, { cause })
  }
}

/** Declares a test for each failpoint of one share of them all, on the default driver. Shares run beside each other. */
export function testImageFailpoints(share: { readonly index: number; readonly of: number }): void {
  withRegistry()
  let daemon: Wharfd
  before(async () => {
    daemon = await Wharfd.start()
  })
  after(() => daemon.stop())
  const names = imageFailpoints().filter((each) => !OF_BTRFS.test(each))
  for (const name of names.filter((_, index) => index % share.of === share.index)) {
    test(`killed at ${name}`, { timeout: 120_000 }, () => crashAt(daemon, name))
  }
}

/** Declares tests of what only the btrfs driver reaches, and of a death in the middle of a stream. */
export function testOtherCrashes(): void {
  withRegistry()
  let daemon: Wharfd
  let disk: ReturnType<typeof loopDisk>
  let options: WharfdOptions
  before(async () => {
    disk = loopDisk('btrfs', '', 600)
    options = { flags: ['--data-root', `${disk.root}/data`, '--storage-driver', 'btrfs'] }
    daemon = await Wharfd.start(options)
  })
  after(async () => {
    await daemon.stop()
    disk[Symbol.dispose]()
  })
  for (const name of imageFailpoints().filter((each) => OF_BTRFS.test(each))) {
    test(`killed at ${name}`, { timeout: 120_000 }, () =>
      crashAt(daemon, name, { ...options, ofCreate: ['--storage-opt', 'size=20m'] }),
    )
  }

  test('killed while an image is saved and while one is loaded', { timeout: 120_000 }, async () => {
    const name = `${registry.address}/app:v1`
    await daemon.ok('pull', name)
    await daemon.ok('save', '-o', `${directory}/whole.tar`, name)
    for (const [command, pipe] of [
      ['save', `docker save ${name} | (head -c 100000; sleep 3)`],
      ['load', `(head -c 100000 ${directory}/whole.tar; sleep 3) | docker load`],
    ] as const) {
      const running = run(['sh', '-c', pipe], { env: { DOCKER_HOST: `unix://${daemon.socketPath}` } })
      await until(`${command} runs`, async () => (await connections(daemon)) > 0)
      await daemon.crash()
      await running
      await assertWhole(daemon)
    }
    await daemon.ok('image', 'prune', '-af')
  })
}

/** How many clients are connected. */
async function connections(daemon: Wharfd): Promise<number> {
  const { stdout } = await run(['ss', '-xH', 'state', 'connected', `src = unix:${daemon.socketPath}`])
  return stdout.split('\n').filter((line) => line !== '').length
}
