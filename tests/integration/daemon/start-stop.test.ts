import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

const main = fileURLToPath(new URL('../../../src/daemon/main.ts', import.meta.url))
const wharfd = [process.execPath, '--disable-warning=ExperimentalWarning', main]

describe('a daemon from start to end', () => {
  let daemon: Wharfd | null = null
  const engine = (): Wharfd => daemon as Wharfd

  before(async () => {
    daemon = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await daemon?.stop()
  })

  test('--version, --help and --validate answer without an engine', async () => {
    const version = await run([...wharfd, '--version'])
    assert.match(version.stdout, /^Wharf version \d+\.\d+\.\d+\n$/)
    const packageJson = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as {
      version: string
    }
    assert.equal(version.stdout, `Wharf version ${packageJson.version}\n`)
    assert.match((await run([...wharfd, '--help'])).stdout, /--data-root/)
    const file = `${engine().root}/other.json`
    writeFileSync(file, '{"debug": true}')
    assert.equal((await run([...wharfd, '--validate', '--config-file', file])).exitCode, 0)
    writeFileSync(file, '{"debgu": true}')
    const bad = await run([...wharfd, '--validate', '--config-file', file])
    assert.equal(bad.exitCode, 1)
    assert.match(bad.stderr, /don't match any configuration option: debgu/)
  })

  test('its socket is for root and its group alone', () => {
    assert.equal(statSync(engine().socketPath).mode & 0o777, 0o660)
  })

  test('a second daemon on its roots is refused', async () => {
    const { root } = engine()
    const flags = [
      '-H',
      `unix://${root}/second.sock`,
      '--exec-root',
      `${root}/second`,
      '--pidfile',
      `${root}/second.pid`,
    ]
    const config = `${root}/second.json`
    writeFileSync(config, '{}')
    const second = await run([...wharfd, ...flags, '--data-root', `${root}/data`, '--config-file', config])
    assert.equal(second.exitCode, 1)
    assert.match(second.stderr, /another wharfd is running on the data root/)
    const sameSocket = await run([
      ...wharfd,
      ...['-H', `unix://${engine().socketPath}`, '--exec-root', `${root}/second`],
      ...['--pidfile', `${root}/second.pid`, '--data-root', `${root}/second-data`],
      ...['--config-file', config, '--bridge', 'none'],
    ])
    assert.match(sameSocket.stderr, /a daemon is listening on it/)
    assert.equal((await engine().api('GET', '/_ping')).status, 200)
  })

  test('SIGHUP takes over what can change, and keeps what was when the file is wrong', async () => {
    const file = `${engine().root}/daemon.json`
    const info = async (): Promise<{ Debug: boolean; Labels: string[] }> => engine().call('GET', '/info')
    assert.equal((await info()).Debug, false)
    writeFileSync(file, JSON.stringify({ debug: true, labels: ['a=b'] }))
    process.kill(engine().pid, 'SIGHUP')
    await until('the configuration is taken over', async () => (await info()).Debug)
    assert.deepEqual((await info()).Labels, ['a=b'])
    const mirrors = ['https://mirror.test/']
    writeFileSync(
      file,
      JSON.stringify({ debug: true, labels: ['a=b'], 'registry-mirrors': mirrors, mtu: 1400 }),
    )
    process.kill(engine().pid, 'SIGHUP')
    await until('the mirror is taken over', async () => {
      const { RegistryConfig } = (await engine().call('GET', '/info')) as {
        RegistryConfig: { Mirrors: string[] | null }
      }
      return RegistryConfig.Mirrors?.[0] === mirrors[0]
    })
    assert.match(engine().log(), /take effect at the next start.* settings=mtu/)
    writeFileSync(file, '{"nonsense": 1}')
    process.kill(engine().pid, 'SIGHUP')
    await until('the daemon has said so', () => engine().log().includes('cannot reload the configuration'))
    assert.deepEqual((await info()).Labels, ['a=b'])
    writeFileSync(file, '{}')
  })

  test('SIGTERM ends it and leaves containers running, also with clients attached', async () => {
    const id = await engine().ok('run', '-d', '--name', 'stays', 'busybox', 'sleep', '1000')
    const events = engine().docker('events')
    await engine().terminate()
    await events
    assert.equal(statSync(engine().socketPath, { throwIfNoEntry: false }), undefined)
    assert.equal(statSync(`${engine().root}/wharfd.pid`, { throwIfNoEntry: false }), undefined)
    await engine().restart({})
    const state = (await engine().call('GET', `/containers/${id}/json`)) as {
      State: { Status: string; Pid: number }
    }
    assert.equal(state.State.Status, 'running')
    assert.ok(statSync(`/proc/${String(state.State.Pid)}`).isDirectory())
  })

  test('a socket file that a killed daemon left is no obstacle', async () => {
    await engine().kill()
    assert.ok(statSync(engine().socketPath).isSocket())
    await engine().restart({})
    assert.equal((await engine().api('GET', '/_ping')).status, 200)
  })

  test('--trace writes the phases of requests', async () => {
    const file = `${engine().root}/trace`
    await engine().terminate()
    await engine().restart({ flags: ['--trace', file] })
    await engine().call('GET', '/info')
    // The phase of a request ends after its answer.
    await until('the request is in the trace', () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .some((line) => (JSON.parse(line) as { name: string }).name === 'api GET /info'),
    )
    await engine().terminate()
    await engine().restart({})
  })
})
