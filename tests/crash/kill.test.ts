import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { run } from '../support/engine.ts'
import { importNginx } from '../support/nginx.ts'
import { until } from '../support/until.ts'
import { Wharfd } from '../support/wharfd.ts'
import { assertWhole } from './invariants.ts'

let started: Wharfd | null = null
const daemon = (): Wharfd => started!
before(async () => {
  started = await Wharfd.startWithBusybox()
})
after(async () => {
  await started?.stop()
})

const state = (name: string): Promise<string> =>
  daemon().ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name)

test(
  'nginx serves every request while the daemon is killed and restarted',
  { timeout: 300_000 },
  async (t) => {
    const missing = await importNginx(daemon())
    if (missing !== false) {
      t.skip(missing)
      return
    }
    await daemon().ok('run', '-d', '--name', 'nginx', '-p', '18060:80', 'nginx')
    const url = 'http://127.0.0.1:18060/'
    await until(
      'nginx answers',
      async () => (await run(['curl', '-fsS', '--max-time', '5', url])).exitCode === 0,
    )
    const load = run(['wrk', '-t1', '-c8', '-d10s', '--timeout', '8s', url])
    await daemon().crash()
    await daemon().ok('ps')
    await daemon().crash()
    const { stdout, exitCode } = await load
    assert.equal(exitCode, 0, stdout)
    assert.doesNotMatch(stdout, /Socket errors|Non-2xx/, stdout)
    assert.ok(Number(/(\d+) requests in/.exec(stdout)?.[1]) > 100, stdout)
    await daemon().ok('rm', '-f', 'nginx')
  },
)

test('output that comes while the daemon is dead is in the log, and no line is lost or doubled', async () => {
  const lines = 400
  const script = `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i; echo e$i >&2; sleep 0.01; done`
  await daemon().ok('run', '-d', '--name', 'talk', 'busybox', 'sh', '-c', script)
  await until('it talks', async () => (await daemon().ok('logs', 'talk')) !== '')
  await daemon().kill()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await daemon().restart()
  await daemon().crash()
  assert.equal(await daemon().ok('wait', 'talk'), '0')
  const { stdout, stderr } = await daemon().docker('logs', 'talk')
  const numbers = Array.from({ length: lines }, (_, index) => `${index + 1}`)
  assert.deepEqual(stdout.trimEnd().split('\n'), numbers)
  assert.deepEqual(
    stderr.trimEnd().split('\n'),
    numbers.map((number) => `e${number}`),
  )
  await daemon().ok('rm', 'talk')
})

test('an exit code while the daemon is dead is known afterwards', async () => {
  await daemon().ok('run', '-d', '--name', 'ends', 'busybox', 'sh', '-c', 'sleep 1; exit 5')
  await daemon().kill()
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  await daemon().restart()
  await until('it has ended', async () => (await state('ends')) === 'exited 5')
  assert.equal(await daemon().ok('wait', 'ends'), '5')
  await daemon().ok('rm', 'ends')
})

test('exec, attach, logs -f, top, ports, pause and stop work on a container that is older than the daemon', async () => {
  const serve =
    'mkdir /www; echo page > /www/index.html; httpd -f -p 80 -h /www & while read x; do echo got $x; done; sleep 1000'
  await daemon().ok('run', '-d', '-i', '--name', 'older', '-p', '18061:80', 'busybox', 'sh', '-c', serve)
  await daemon().crash()
  assert.equal(await daemon().ok('exec', 'older', 'echo', 'inside'), 'inside')
  assert.match(await daemon().ok('top', 'older'), /httpd/)
  assert.equal(
    await daemon()
      .ok('port', 'older', '80/tcp')
      .then((text) => text.split('\n')[0]),
    '0.0.0.0:18061',
  )
  const fetch = async (): Promise<string> =>
    (await run(['curl', '-sS', '--max-time', '5', 'http://127.0.0.1:18061/'])).stdout
  await until('the port answers', async () => (await fetch()) === 'page\n')
  const attached = daemon().docker('attach', 'older', { input: 'word\n', timeoutMs: 30_000 })
  await until('the word is in the log', async () => (await daemon().ok('logs', 'older')).includes('got word'))
  await daemon().ok('pause', 'older')
  assert.match(await state('older'), /^paused/)
  await daemon().crash()
  assert.match(await state('older'), /^paused/)
  await daemon().ok('unpause', 'older')
  await daemon().ok('stop', '-t', '0', 'older')
  assert.equal(await state('older'), 'exited 137')
  await attached
  assert.equal((await run(['curl', '-sS', '--max-time', '5', 'http://127.0.0.1:18061/'])).exitCode, 7)
  await daemon().ok('rm', 'older')
})

test('--rm and restart policies are kept while the daemon is dead', async () => {
  await daemon().ok('run', '-d', '--rm', '--name', 'temporary', 'busybox', 'sleep', '1')
  await daemon().ok(
    'run',
    '-d',
    '--restart',
    'always',
    '--name',
    'always',
    'busybox',
    'sh',
    '-c',
    'sleep 1; exit 1',
  )
  await daemon().ok('run', '-d', '--name', 'never', 'busybox', 'sleep', '1')
  await daemon().kill()
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  await daemon().restart()
  await until(
    '--rm has removed it',
    async () => (await daemon().docker('inspect', 'temporary')).exitCode === 1,
  )
  await until(
    'it is restarted',
    async () => Number(await daemon().ok('inspect', '-f', '{{.RestartCount}}', 'always')) > 0,
  )
  assert.equal(await state('never'), 'exited 0')
  await daemon().ok('rm', '-f', 'always', 'never')
})

test('a monitor that is killed ends its container, and the daemon says so', async () => {
  await daemon().ok('run', '-d', '--name', 'orphan', 'busybox', 'sleep', '1000')
  const pid = Number(await daemon().ok('inspect', '-f', '{{.State.Pid}}', 'orphan'))
  process.kill(pid, 'SIGKILL')
  await until('it has ended', async () => (await state('orphan')) === 'exited 137')
  await daemon().ok('rm', 'orphan')
})

test('after a reboot the data is there, what shall always run runs, and the rest has ended', async () => {
  await daemon().ok(
    'run',
    '-d',
    '--name',
    'boots',
    '--restart',
    'always',
    '-p',
    '18062:80',
    '-v',
    'data:/d',
    'busybox',
    'sh',
    '-c',
    'date > /d/f; sleep 1000',
  )
  await daemon().ok(
    'run',
    '-d',
    '--name',
    'stays',
    'busybox',
    'sh',
    '-c',
    'echo kept > /file; sync; sleep 1000',
  )
  await until(
    'the file is written',
    async () => (await daemon().docker('exec', 'stays', 'test', '-s', '/file')).exitCode === 0,
  )
  await daemon().boot()
  await until('it runs again', async () => (await state('boots')).startsWith('running'))
  assert.match(await state('stays'), /^exited/)
  await daemon().ok('start', 'stays')
  assert.equal(await daemon().ok('exec', 'stays', 'cat', '/file'), 'kept')
  assert.equal(await daemon().ok('exec', 'boots', 'ls', '/d'), 'f')
  await daemon().ok('rm', '-fv', 'boots', 'stays')
})

test('a second daemon on the same roots is refused', async () => {
  const script = new URL('../../src/daemon/main.ts', import.meta.url).pathname
  const flags = [
    '-H',
    `unix://${daemon().root}/other.sock`,
    '--data-root',
    `${daemon().root}/data`,
    '--exec-root',
    `${daemon().root}/run2`,
  ]
  const second = await run([process.execPath, script, ...flags, '--pidfile', `${daemon().root}/other.pid`], {
    timeoutMs: 30_000,
  })
  assert.notEqual(second.exitCode, 0)
  assert.notEqual(second.exitCode, 124, 'it went on running')
  assert.match(second.stderr + second.stdout, /data-root|data root|already|in use/)
  await daemon().ok('ps')
})

test('in the end all is whole', async () => {
  await daemon().crash()
  await assertWhole(daemon())
})
