import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedTasks } from './shared-task.ts'

const forever = new AbortController().signal

test('run() does work once for all who want it, and tells the late what happened', async () => {
  const tasks = new SharedTasks<number, string>()
  const release = Promise.withResolvers<void>()
  let started = 0
  const seen: string[][] = [[], []]
  const wait = (who: number): Promise<number> =>
    tasks.run('a', {
      signal: forever,
      onProgress: (text) => seen[who]?.push(text),
      async start(_signal, report) {
        started += 1
        report('half')
        await release.promise
        report('all')
        return 7
      },
    })
  const first = wait(0)
  await new Promise(setImmediate)
  const second = wait(1)
  release.resolve()
  assert.deepEqual(await Promise.all([first, second]), [7, 7])
  assert.equal(started, 1)
  assert.deepEqual(seen, [
    ['half', 'all'],
    ['half', 'all'],
  ])
})

test('run() aborts the work when the last who wanted it has left, and not before', async () => {
  const tasks = new SharedTasks<void, string>()
  const [one, two] = [new AbortController(), new AbortController()]
  let aborted = false
  const wait = (signal: AbortSignal): Promise<void> =>
    tasks.run('a', {
      signal,
      onProgress() {},
      start: (inner) =>
        new Promise((_, reject) =>
          inner.addEventListener('abort', () => {
            aborted = true
            reject(inner.reason)
          }),
        ),
    })
  const [first, second] = [wait(one.signal), wait(two.signal)]
  await new Promise(setImmediate)
  one.abort(new Error('left one'))
  await assert.rejects(first, /left one/)
  assert.equal(aborted, false)
  two.abort(new Error('left two'))
  await assert.rejects(second, /left two/)
  assert.equal(aborted, true)
})

test('run() starts anew after a failure', async () => {
  const tasks = new SharedTasks<number, string>()
  const run = (start: () => Promise<number>): Promise<number> =>
    tasks.run('a', { signal: forever, onProgress() {}, start })
  await assert.rejects(
    run(() => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(await run(() => Promise.resolve(1)), 1)
})
