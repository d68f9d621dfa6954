import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProgressMessage } from '#client/images.ts'
import { ExitError } from './exit.ts'
import { progressBar, showProgress } from './progress.ts'
import { TransferRates } from './transfer-rate.ts'

async function shown(messages: readonly ProgressMessage[], isTty: boolean): Promise<string> {
  let text = ''
  const source = async function* () {
    yield* messages
  }
  await showProgress({ isTty, write: (part) => (text += part) }, source(), { width: 120 })
  return text
}

const pull: readonly ProgressMessage[] = [
  { status: 'Pulling from x', id: '1' },
  { status: 'Pulling fs layer', progressDetail: {}, id: 'a' },
  { status: 'Pulling fs layer', progressDetail: {}, id: 'b' },
  { status: 'Downloading', progressDetail: { current: 500, total: 1000 }, id: 'a' },
  { status: 'Pull complete', progressDetail: {}, id: 'a' },
  { status: 'Digest: d' },
]

test('elsewhere than on a terminal each step is a line, without bars', async () => {
  assert.equal(
    await shown(pull, false),
    '1: Pulling from x\na: Pulling fs layer\nb: Pulling fs layer\na: Pull complete\nDigest: d\n',
  )
})

test('on a terminal each layer has a line of its own that changes', async () => {
  const bar = `[${'='.repeat(25)}>${' '.repeat(25)}]     500B/1kB`
  assert.equal(
    await shown(pull, true),
    '1: Pulling from x\n' +
      '\n\x1b[1A\x1b[2K\ra: Pulling fs layer \r\x1b[1B' +
      '\n\x1b[1A\x1b[2K\rb: Pulling fs layer \r\x1b[1B' +
      `\x1b[2A\x1b[2K\ra: Downloading ${bar}\r\x1b[2B` +
      '\x1b[2A\x1b[2K\ra: Pull complete \r\x1b[2B' +
      'Digest: d\n',
  )
})

test('a transfer that takes long tells its rate and the time left', async () => {
  let now = 0
  let text = ''
  const source = async function* () {
    for (const current of [100, 1000, 1500]) {
      yield { status: 'Downloading', progressDetail: { current, total: 2000 }, id: 'a' }
      now += 2000
    }
  }
  const rates = new TransferRates(() => now)
  await showProgress({ isTty: true, write: (part) => (text += part) }, source(), { width: 120, rates })
  assert.match(text, /1.5kB\/2kB {2}350B\/s {2}2s\r/)
})

test('the daemon’s reason is thrown', async () => {
  await assert.rejects(
    shown([{ errorDetail: { message: 'no space' }, error: 'no space' }], false),
    (error) => error instanceof ExitError && error.message === 'no space' && error.status === 1,
  )
})

test('progressBar() of what has no total shows what is done', () => {
  assert.equal(progressBar({ current: 2000 }, 120), '     2kB')
  assert.equal(progressBar({ current: 3, total: 4, units: 'steps' }, 80), '3/4 steps')
  assert.equal(progressBar(undefined, 120), '')
})
