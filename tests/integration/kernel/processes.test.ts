import assert from 'node:assert/strict'
import { closeSync, readFileSync, readSync } from 'node:fs'
import { test } from 'node:test'
import { captureOutput } from '#kernel/capture.ts'
import { pipe2 } from '#kernel/native/native.ts'
import { spawnProcess, watchProcess } from '#kernel/processes.ts'
import { watchFd } from '#kernel/readiness.ts'

const O_CLOEXEC = 0o2000000
const busybox = '/bin/busybox'

test('spawnProcess() gives exactly the fds, the environment and the directory it was told', async () => {
  const { exit, output } = await captureOutput({
    argv: [busybox, 'sh', '-c', 'for f in /proc/$$/fd/*; do echo ${f##*/}; done; env; pwd; exit 3'],
    env: ['A=b c'],
    cwd: '/tmp',
  })
  assert.deepEqual(exit, { exitCode: 3, signal: null })
  const lines = output.trim().split('\n')
  assert.deepEqual(lines.slice(0, 3), ['0', '1', '2'])
  assert.ok(lines.includes('A=b c'))
  assert.ok(!lines.some((line) => line.startsWith('HOME=')))
  assert.equal(lines.at(-1), '/tmp')
})

test('spawnProcess() swaps fds that are sources and targets at once', async () => {
  const [readFd, writeFd] = pipe2(O_CLOEXEC)
  // The child's 2 is our pipe and the child's own number of the pipe is /dev/null: order alone cannot do that.
  const fds = new Map([[writeFd, 0], [2, writeFd]]) // prettier-ignore
  const child = spawnProcess({ argv: [busybox, 'sh', '-c', 'echo word >&2'], env: [], fds })
  closeSync(writeFd)
  assert.deepEqual(await child.exited, { exitCode: 0, signal: null })
  const buffer = Buffer.alloc(16)
  assert.equal(buffer.toString('utf8', 0, readSync(readFd, buffer)), 'word\n')
  closeSync(readFd)
})

test('spawnProcess() tells what cannot be run', () => {
  assert.throws(() => spawnProcess({ argv: ['/nope'], env: [] }), { code: 'kernel', errno: 'ENOENT' })
  assert.throws(() => spawnProcess({ argv: ['/etc/passwd'], env: [] }), { code: 'kernel', errno: 'EACCES' })
})

test('setsid makes a session of its own', async () => {
  const { output } = await captureOutput({
    argv: [busybox, 'sh', '-c', 'cat /proc/$$/stat'],
    env: [],
    setsid: true,
  })
  const fields = output.split(' ')
  assert.equal(fields[5], fields[0])
})

test('signals reach a process that is held, and nobody once it has ended', async () => {
  const child = spawnProcess({ argv: [busybox, 'sleep', '1000'], env: [] })
  using watched = watchProcess(child.pid)
  assert.ok(watched !== null && watched.signal(15))
  assert.deepEqual(await child.exited, { exitCode: null, signal: 15 })
  await watched.exited
  assert.equal(child.signal(9), false)
  assert.equal(watched.signal(9), false)
  assert.equal(watchProcess(child.pid), null)
})

test('a hundred children are reaped', async () => {
  const children = Array.from({ length: 100 }, () => spawnProcess({ argv: [busybox, 'true'], env: [] }))
  await Promise.all(children.map((child) => child.exited))
  const zombies = children.filter(({ pid }) => {
    try {
      return readFileSync(`/proc/${String(pid)}/stat`, 'latin1').includes(') Z ')
    } catch {
      return false
    }
  })
  assert.deepEqual(zombies, [])
})

test('a closed watch is not called, even if its fd was ready', async () => {
  const [readFd, writeFd] = pipe2(O_CLOEXEC)
  let calls = 0
  const watch = watchFd(readFd, () => calls++)
  closeSync(writeFd)
  watch.close()
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.equal(calls, 0)
  closeSync(readFd)
})
