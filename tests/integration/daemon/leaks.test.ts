import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

let daemon: Wharfd | null = null
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(async () => {
  await daemon?.stop()
})

/** What a daemon must have as many of after work as before: open files by kind, and mounts. */
function held(): Readonly<Record<string, number>> {
  const wharfd = daemon!
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(wharfd.root)).length
  return { files: readdirSync(`/proc/${wharfd.pid}/fd`).length, mounts }
}

async function work(): Promise<void> {
  const wharfd = daemon!
  await wharfd.ok('run', '--rm', '-p', '80', 'busybox', 'true')
  await wharfd.ok(
    'run',
    '-d',
    '--name',
    'leak',
    '-v',
    'leakv:/v',
    'busybox',
    'sh',
    '-c',
    'echo x; sleep 1000',
  )
  await wharfd.ok('exec', 'leak', 'true')
  await wharfd.ok('logs', 'leak')
  await wharfd.ok('cp', 'leak:/etc/passwd', '-')
  await wharfd.docker('exec', 'leak', '/no/such')
  await wharfd.docker('run', '--name', 'leak2', 'busybox', '/no/such')
  await wharfd.ok('rm', '-fv', 'leak', 'leak2')
  await wharfd.ok('volume', 'rm', 'leakv')
}

test('a daemon holds after a hundred commands what it held before', { timeout: 200_000 }, async () => {
  await work()
  const before = held()
  for (let round = 0; round < 10; round += 1) await work()
  const steady = await until('all is given back', () => {
    const now = held()
    return now.files! <= before.files! + 3 && now.mounts! <= before.mounts! ? now : null
  }).catch(() => held())
  assert.ok(
    steady.mounts! <= before.mounts! && steady.files! <= before.files! + 3,
    `${JSON.stringify(before)} → ${JSON.stringify(steady)}`,
  )
})

test('a daemon that ends without containers leaves no mount', { timeout: 120_000 }, async () => {
  const wharfd = daemon!
  await wharfd.ok('run', '--rm', 'busybox', 'true')
  await wharfd.terminate()
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${wharfd.root}/`))
  assert.deepEqual(mounts, [])
  await wharfd.restart()
  assert.equal(await wharfd.ok('run', '--rm', 'busybox', 'echo', 'again'), 'again')
})
