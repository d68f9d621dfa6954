import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NotFoundError } from '#errors/errors.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import { RuntimeFixture } from './container-root.ts'

const fixture = new RuntimeFixture()
after(() => fixture[Symbol.asyncDispose]())

for (const engine of ['crun', 'runc']) {
  test(`${engine}: output, streams and exit code of a container`, async () => {
    const request = fixture.request(['sh', '-c', 'echo out; echo err >&2; exit 3'], { runtime: engine })
    const result = await fixture.run(request)
    assert.deepEqual(result, { stdout: 'out\n', stderr: 'err\n', exitCode: 3, oomKilled: false })
    assert.match(readFileSync(request.logPath ?? '', 'utf8'), /^\S+ stdout F out$/m)
  })

  const faults = [
    { args: ['nope'], exitCode: 127, text: 'exec: "nope": executable file not found in $PATH' },
    { args: ['/nope'], exitCode: 127, text: 'exec: "/nope": stat /nope: no such file or directory' },
    { args: ['/etc/passwd'], exitCode: 126, text: 'exec: "/etc/passwd": permission denied' },
  ]
  for (const { args, exitCode, text } of faults) {
    test(`${engine}: create() of ${args.join(' ')} fails in Docker's words and leaves nothing`, async () => {
      const request = fixture.request(args, { runtime: engine })
      await assert.rejects(fixture.runtime.create(request), (error: unknown) => {
        assert.ok(error instanceof RuntimeFailure)
        assert.equal(error.exitCode, exitCode)
        assert.match(
          error.message,
          /^failed to create task for container: .*OCI runtime create failed: .*: unknown$/,
        )
        assert.ok(error.message.includes(text), error.message)
        return true
      })
      await assert.rejects(fixture.runtime.exit(request.id), NotFoundError)
    })
  }
}

test('stdin reaches the process, and its end ends it', async () => {
  const request = fixture.request(['cat'], { config: { OpenStdin: true, StdinOnce: true } })
  const text = 'line\n'.repeat(100_000)
  const { stdout, exitCode } = await fixture.run(request, { stdin: text })
  assert.equal(stdout.length, text.length)
  assert.equal(stdout, text)
  assert.equal(exitCode, 0)
})

test('several clients see the same output, and one that leaves takes nothing with it', async () => {
  const request = fixture.request(['sh', '-c', 'read x; echo "got $x"'], {
    config: { OpenStdin: true, StdinOnce: true },
  })
  const { runtime } = fixture
  await runtime.create(request)
  using first = await runtime.attach(request.id)
  const second = await runtime.attach(request.id)
  await runtime.start(request.id)
  second[Symbol.dispose]()
  await first.write(Buffer.from('word\n'))
  let text = ''
  for await (const chunk of first.output) text += chunk.bytes.toString()
  assert.equal(text, 'got word\n')
  assert.equal((await runtime.exit(request.id)).exitCode, 0)
  await runtime.delete(request.id)
})

test('a terminal has the size it was given and takes another', async () => {
  const request = fixture.request(['sh', '-c', 'stty size; read x; stty size'], {
    config: { Tty: true, OpenStdin: true },
    hostConfig: { ConsoleSize: [20, 60] },
  })
  const { runtime } = fixture
  await runtime.create(request)
  using attachment = await runtime.attach(request.id)
  await runtime.start(request.id)
  let text = ''
  for await (const chunk of attachment.output) {
    const before = text
    text += chunk.bytes.toString()
    if (before.includes('20 60') || !text.includes('20 60')) continue
    await runtime.resize(request.id, { rows: 33, columns: 99 })
    // conmon reads its control FIFO and the attach socket in any order: the size is there once stty in an exec says so.
    for (;;) {
      const probe = await runtime.exec(request.id, execRequest(['sh', '-c', 'stty size < /proc/1/fd/0']))
      const size = await textOf(probe)
      if (size.includes('33 99')) break
    }
    await attachment.write(Buffer.from('\n'))
  }
  assert.match(text, /33 99/)
  await runtime.delete(request.id)
})

test('signals, pause, stats and limits of a running container', async () => {
  const request = fixture.request(['sleep', '1000'], {
    hostConfig: { Memory: 64 * 1024 * 1024, PidsLimit: 50 },
  })
  const { runtime } = fixture
  const { pid } = await runtime.create(request)
  assert.equal(runtime.state(request.id).status, 'created')
  await runtime.start(request.id)
  assert.deepEqual(runtime.state(request.id), { status: 'running', pid })
  await runtime.pause(request.id)
  assert.equal(runtime.state(request.id).status, 'paused')
  await runtime.resume(request.id)
  const stats = await runtime.stats(request.id)
  assert.equal(stats.memory_stats?.limit, 64 * 1024 * 1024)
  assert.equal(stats.pids_stats?.limit, 50)
  await runtime.update(request.id, { Memory: 128 * 1024 * 1024, MemorySwap: -1 })
  assert.equal((await runtime.stats(request.id)).memory_stats?.limit, 128 * 1024 * 1024)
  assert.deepEqual(await runtime.pids(request.id), [pid])
  await runtime.kill(request.id, 9)
  assert.equal((await runtime.exit(request.id)).exitCode, 137)
  await assert.rejects(runtime.kill(request.id, 9), { code: 'conflict' })
  await runtime.delete(request.id)
})

test('a container that takes more memory than it may is known to be killed for it', async () => {
  const request = fixture.request(['sh', '-c', 'tail /dev/zero'], {
    hostConfig: { Memory: 16 * 1024 * 1024, MemorySwap: 16 * 1024 * 1024 },
  })
  const { exitCode, oomKilled } = await fixture.run(request)
  assert.equal(oomKilled, true)
  assert.equal(exitCode, 137)
})

test('a container outlives its daemon: the next one tells its exit code', async () => {
  const gate = join(fixture.rootfs, 'tmp', 'gate')
  const running = fixture.request(['sh', '-c', 'until [ -e /tmp/gate ]; do sleep 0.05; done; exit 7'])
  const ended = fixture.request(['sh', '-c', 'exit 5'])
  const waiting = fixture.request(['true'])
  for (const request of [running, ended, waiting]) await fixture.runtime.create(request)
  await fixture.runtime.start(running.id)
  await fixture.runtime.start(ended.id)
  await fixture.runtime.exit(ended.id)
  fixture.reopen()
  const { runtime } = fixture
  assert.equal((await runtime.recover(running.id))?.status, 'running')
  assert.equal((await runtime.recover(ended.id))?.status, 'stopped')
  assert.equal((await runtime.recover(waiting.id))?.status, 'created')
  assert.equal(await runtime.recover('0'.repeat(64)), null)
  assert.equal((await runtime.exit(ended.id)).exitCode, 5)
  writeFileSync(gate, '')
  assert.equal((await runtime.exit(running.id)).exitCode, 7)
  for (const { id } of [running, ended, waiting]) await runtime.delete(id)
})

test('sweep() ends and removes what no container is known for', async () => {
  const request = fixture.request(['sleep', '1000'])
  const { pid } = await fixture.runtime.create(request)
  await fixture.runtime.start(request.id)
  fixture.reopen()
  await fixture.runtime.sweep()
  assert.equal(existsSync(join(fixture.directory, 'run', 'bundles', request.id)), false)
  assert.equal(existsSync(`/proc/${String(pid)}/root/bin`), false)
})

test('an id may be used again at once after delete()', async () => {
  const request = fixture.request(['true'])
  for (let round = 0; round < 3; round++) assert.equal((await fixture.run(request)).exitCode, 0)
})

function execRequest(args: readonly string[]): Parameters<typeof fixture.runtime.exec>[1] {
  return {
    execId: String(process.hrtime.bigint()),
    args,
    env: [],
    user: null,
    cwd: null,
    tty: false,
    privileged: false,
    stdin: false,
    attach: true,
  }
}

async function textOf(exec: Awaited<ReturnType<typeof fixture.runtime.exec>>): Promise<string> {
  let text = ''
  for await (const chunk of exec.attachment?.output ?? []) text += chunk.bytes.toString()
  await exec.exited
  return text
}
