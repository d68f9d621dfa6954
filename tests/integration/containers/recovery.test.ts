import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('containers when their daemon dies, and by themselves', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd.stop()
  })

  const inspect = async (name: string, format: string): Promise<string> =>
    await wharfd.ok('inspect', '-f', format, name)

  test('a container outlives the daemon; one that ends meanwhile has its exit code', async () => {
    await wharfd.ok('run', '-d', '--name', 'stays', 'busybox', 'sleep', '1000')
    await wharfd.ok('run', '-d', '--name', 'ends', 'busybox', 'sh', '-c', 'sleep 0.5; exit 8')
    await wharfd.ok('create', '--name', 'fresh', 'busybox')
    const pid = await inspect('stays', '{{.State.Pid}}')
    await wharfd.kill()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await wharfd.restart()
    assert.equal(await inspect('stays', '{{.State.Status}} {{.State.Pid}}'), `running ${pid}`)
    await until(
      'the end is noticed',
      async () => (await inspect('ends', '{{.State.Status}} {{.State.ExitCode}}')) === 'exited 8',
    )
    assert.equal(await inspect('fresh', '{{.State.Status}}'), 'created')
    await wharfd.ok('exec', 'stays', 'true')
    await wharfd.ok('stop', '-t', '0', 'stays')
    await wharfd.ok('rm', 'stays', 'ends', 'fresh')
  })

  test('--rm is kept when the container ends while no daemon runs', async () => {
    await wharfd.ok('run', '-d', '--rm', '--name', 'vanishes', 'busybox', 'sleep', '0.3')
    await wharfd.kill()
    await new Promise((resolve) => setTimeout(resolve, 600))
    await wharfd.restart()
    await until('it is gone', async () => (await wharfd.ok('ps', '-aq', '--filter', 'name=vanishes')) === '')
  })

  test('on-failure runs again so many times, always again after a restart of the daemon', async () => {
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      'tries',
      '--restart',
      'on-failure:2',
      'busybox',
      'sh',
      '-c',
      'echo try; exit 1',
    )
    await until(
      'the last try has failed',
      async () => (await inspect('tries', '{{.RestartCount}} {{.State.Status}}')) === '2 exited',
    )
    assert.equal(await wharfd.ok('logs', 'tries'), 'try\ntry\ntry')
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      'always',
      '--restart',
      'always',
      'busybox',
      'sh',
      '-c',
      'sleep 0.2',
    )
    await until('it was restarted', async () => Number(await inspect('always', '{{.RestartCount}}')) >= 1)
    await wharfd.crash()
    const count = Number(await inspect('always', '{{.RestartCount}}'))
    await until(
      'it is restarted by the new daemon',
      async () => Number(await inspect('always', '{{.RestartCount}}')) > count,
    )
    await wharfd.ok('stop', '-t', '0', 'always')
    assert.equal(await inspect('always', '{{.State.Status}}'), 'exited')
    await wharfd.ok('rm', 'tries', 'always')
  })

  test('unless-stopped respects that the user stopped it; always does not', async () => {
    for (const policy of ['unless-stopped', 'always']) {
      await wharfd.ok('run', '-d', '--name', policy, '--restart', policy, 'busybox', 'sleep', '1000')
      await wharfd.ok('stop', '-t', '0', policy)
    }
    await wharfd.crash()
    await until('always runs', async () => (await inspect('always', '{{.State.Status}}')) === 'running')
    assert.equal(await inspect('unless-stopped', '{{.State.Status}}'), 'exited')
    await wharfd.ok('rm', '-f', 'always', 'unless-stopped')
  })

  test('health goes from starting to healthy to unhealthy, and is kept across the daemon', async () => {
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      'checked',
      '--health-cmd',
      'test -f /ok',
      '--health-interval',
      '200ms',
      '--health-retries',
      '2',
      '--health-start-period',
      '60s',
      '--health-start-interval',
      '200ms',
      'busybox',
      'sleep',
      '1000',
    )
    assert.equal(await inspect('checked', '{{.State.Health.Status}}'), 'starting')
    await wharfd.ok('exec', 'checked', 'touch', '/ok')
    await until(
      'it is healthy',
      async () => (await inspect('checked', '{{.State.Health.Status}}')) === 'healthy',
    )
    await wharfd.crash()
    assert.equal(await inspect('checked', '{{.State.Health.Status}}'), 'healthy')
    await wharfd.ok('exec', 'checked', 'rm', '/ok')
    await until(
      'it is unhealthy',
      async () => (await inspect('checked', '{{.State.Health.Status}}')) === 'unhealthy',
    )
    assert.ok(Number(await inspect('checked', '{{.State.Health.FailingStreak}}')) >= 2)
    await wharfd.ok('rm', '-f', 'checked')
  })

  test('an unhealthy container is killed where its label says so', async () => {
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      'sick',
      '--label',
      'wharf.health-on-failure=kill',
      '--health-cmd',
      'false',
      '--health-interval',
      '200ms',
      '--health-retries',
      '1',
      'busybox',
      'sleep',
      '1000',
    )
    await until(
      'it is killed',
      async () => (await inspect('sick', '{{.State.Status}} {{.State.ExitCode}}')) === 'exited 137',
    )
    await wharfd.ok('rm', 'sick')
  })

  test('a container that runs out of memory says so', async () => {
    await wharfd.docker(
      'run',
      '--name',
      'greedy',
      '-m',
      '10m',
      '--memory-swap',
      '10m',
      'busybox',
      'sh',
      '-c',
      'x=a; while :; do x=$x$x; done',
    )
    assert.equal(await inspect('greedy', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137')
    await wharfd.ok('rm', 'greedy')
  })
})
