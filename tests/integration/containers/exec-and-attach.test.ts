import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('exec and attach', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
    await wharfd.ok('run', '-d', '--name', 'host', '-e', 'OWN=1', 'busybox', 'sleep', '10000')
  })
  after(async () => {
    await wharfd.stop()
  })

  test('exec gives streams, stdin and exit code', async () => {
    const result = await wharfd.docker('exec', '-i', 'host', 'sh', '-c', 'cat; echo err >&2; exit 6', {
      input: 'in\n',
    })
    assert.deepEqual(result, { exitCode: 6, stdout: 'in\n', stderr: 'err\n' })
  })

  test('exec takes environment, user and directory', async () => {
    const text = await wharfd.ok(
      'exec',
      '-e',
      'MORE=2',
      '-u',
      '12:34',
      '-w',
      '/tmp',
      'host',
      'sh',
      '-c',
      'echo $OWN $MORE $(id -u):$(id -g) $(pwd)',
    )
    assert.equal(text, '1 2 12:34 /tmp')
    // crun gives the standard streams to the user: not this one, which is the machine's.
    const { uid, gid, mode } = statSync('/dev/null')
    assert.deepEqual([uid, gid, mode & 0o777], [0, 0, 0o666])
  })

  test('a program that is not there gives 127, a directory 126', async () => {
    assert.equal((await wharfd.docker('exec', 'host', 'nosuch')).exitCode, 127)
    assert.equal((await wharfd.docker('exec', 'host', '/tmp')).exitCode, 126)
  })

  test('an exec can be inspected while it runs and after it ended', async () => {
    const { Id } = await wharfd.call('POST', '/containers/host/exec', {
      Cmd: ['sh', '-c', 'until [ -f /stop ]; do usleep 10000; done; exit 5'],
    })
    await wharfd.call('POST', `/exec/${Id}/start`, { Detach: true })
    const running = await wharfd.call('GET', `/exec/${Id}/json`)
    assert.equal(running.Running, true)
    assert.ok(running.Pid > 0)
    assert.deepEqual((await wharfd.call('GET', '/containers/host/json')).ExecIDs, [Id])
    await wharfd.ok('exec', 'host', 'touch', '/stop')
    const ended = await until('the exec has ended', async () => {
      const view = await wharfd.call('GET', `/exec/${Id}/json`)
      return view.Running ? null : view
    })
    assert.equal(ended.ExitCode, 5)
    assert.equal((await wharfd.api('POST', `/exec/${Id}/start`, { Detach: true })).status, 409)
  })

  test('100 execs run at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) => wharfd.ok('exec', 'host', 'echo', String(n))),
    )
    assert.deepEqual(
      results,
      Array.from({ length: 100 }, (_, n) => String(n)),
    )
  })

  test('several clients attached to one container all see its output', async () => {
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      'shown',
      'busybox',
      'sh',
      '-c',
      'until [ -f /go ]; do usleep 10000; done; echo seen',
    )
    const clients = [wharfd.docker('attach', 'shown'), wharfd.docker('attach', 'shown')]
    await until('both are attached', async () => {
      const text = await wharfd.ok(
        'events',
        '--filter',
        'container=shown',
        '--filter',
        'event=attach',
        '--since',
        '1h',
        '--until',
        '0s',
      )
      return text.split('\n').length === 2 && text !== ''
    })
    await wharfd.ok('exec', 'shown', 'touch', '/go')
    for (const client of clients) assert.equal((await client).stdout, 'seen\n')
    await wharfd.ok('rm', 'shown')
  })

  test('attach with logs replays what was written before', async () => {
    await wharfd.ok('run', '-d', '--name', 'replayed', 'busybox', 'sh', '-c', 'echo before; sleep 1000')
    await until('the line is logged', async () => (await wharfd.ok('logs', 'replayed')) === 'before')
    const answer = await wharfd.api('POST', '/containers/replayed/attach?logs=1&stdout=1')
    assert.match(String(answer.body), /before\n$/)
    await wharfd.ok('rm', '-f', 'replayed')
  })

  test('what is not running takes no exec', async () => {
    await wharfd.ok('create', '--name', 'asleep', 'busybox')
    const answer = await wharfd.api('POST', '/containers/asleep/exec', { Cmd: ['true'] })
    assert.equal(answer.status, 409)
    assert.match(answer.body.message, /is not running$/)
    await wharfd.ok('rm', 'asleep')
  })
})
