import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { CreateRequest, ExecRequest } from '#runtime/runtime.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import { RuntimeFixture } from './container-root.ts'

const fixture = new RuntimeFixture()
let container: CreateRequest

before(async () => {
  container = fixture.request(['sleep', '1000'], { config: { Env: ['COLOUR=red'], WorkingDir: '/tmp' } })
  await fixture.runtime.create(container)
  await fixture.runtime.start(container.id)
})
after(() => fixture[Symbol.asyncDispose]())

let count = 0
async function exec(
  args: readonly string[],
  change: Partial<ExecRequest> = {},
  stdin?: string,
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const request = {
    execId: `exec-${String(++count)}`,
    args,
    env: [],
    user: null,
    cwd: null,
    tty: false,
    privileged: false,
    stdin: stdin !== undefined,
    attach: true,
    ...change,
  }
  const process = await fixture.runtime.exec(container.id, request)
  using attachment = process.attachment
  if (stdin !== undefined) void attachment?.write(Buffer.from(stdin)).then(() => attachment.endStdin())
  const output = { stdout: '', stderr: '' }
  for await (const chunk of attachment?.output ?? []) output[chunk.stream] += chunk.bytes.toString()
  return { ...output, exitCode: await process.exited }
}

test('exec() gives output, both streams and the exit code', async () => {
  const result = await exec(['sh', '-c', 'echo out; echo err >&2; exit 4'])
  assert.deepEqual(result, { stdout: 'out\n', stderr: 'err\n', exitCode: 4 })
})

test('exec() inherits environment and directory, and changes what it is told to', async () => {
  assert.equal((await exec(['sh', '-c', 'echo $COLOUR; pwd'])).stdout, 'red\n/tmp\n')
  const changed = await exec(['sh', '-c', 'echo $COLOUR; pwd; id -u'], {
    env: ['COLOUR=blue'],
    cwd: '/bin',
    user: 'ann',
  })
  assert.equal(changed.stdout, 'blue\n/bin\n1000\n')
})

test('exec() passes stdin on', async () => {
  assert.equal((await exec(['cat'], {}, 'word')).stdout, 'word')
})

test('exec() with a terminal of a given size', async () => {
  // crun sets the size while the process starts: a program learns of it by SIGWINCH, a script asks again.
  const script = 'until stty size 2>&1 | grep "7 70"; do sleep 0.01; done'
  const { stdout } = await exec(['sh', '-c', script], { tty: true, size: { rows: 7, columns: 70 } })
  assert.equal(stdout, '7 70\r\n')
})

test('exec() that nobody attaches to tells its exit code', async () => {
  assert.equal((await exec(['sh', '-c', 'exit 9'], { attach: false })).exitCode, 9)
})

test("exec() of what does not exist fails in Docker's words", async () => {
  await assert.rejects(exec(['nope']), (error: unknown) => {
    assert.ok(error instanceof RuntimeFailure)
    assert.equal(error.exitCode, 127)
    assert.equal(
      error.message,
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH',
    )
    return true
  })
})

test('forty execs at once', async () => {
  const results = await Promise.all(Array.from({ length: 40 }, (_, n) => exec(['echo', String(n)])))
  assert.deepEqual(
    results.map((result) => result.stdout),
    results.map((_, n) => `${String(n)}\n`),
  )
})
