import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf, wharfOk } from '../cli/wharf-cli.ts'

const serve = (text: string): string[] => [
  'busybox',
  'sh',
  '-c',
  `for port in 80 81; do nc -ll -p $port -e echo ${text}-$port & done; wait`,
]

/** What a port of this host answers; '' when nobody does. */
function ask(port: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect({ host, port, timeout: 3000 })
    socket.on('data', (chunk) => (said += chunk.toString()))
    socket.on('error', () => resolve(''))
    socket.on('timeout', () => socket.destroy())
    socket.on('close', () => resolve(said.trim()))
  })
}

describe('update --publish-add and --publish-rm', () => {
  let wharfd: Wharfd
  const port = randomInt(20_000, 30_000)
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd.stop()
  })

  const answers = (wanted: string, at: number, host?: string): Promise<unknown> =>
    until(`port ${at} answers ${wanted || 'nothing'}`, async () => (await ask(at, host)) === wanted)

  test('ports come and go while the container runs, and others stay', async () => {
    await wharfd.ok('run', '-d', '--name', 'web', '-p', `${port}:80`, '-p', '80', ...serve('web'))
    await answers('web-80', port)
    const [, free = ''] = /:(\d+)$/m.exec(
      (await wharfd.ok('port', 'web', '80')).replaceAll(new RegExp(`.*:${port}\n?`, 'g'), ''),
    )!
    await wharfOk(wharfd, ['update', '--publish-add', `${port + 1}:81`, '--publish-add', `127.0.0.1:${port + 2}:80`, 'web']) // prettier-ignore
    await answers('web-81', port + 1)
    await answers('web-81', port + 1, '::1')
    await answers('web-80', port + 2)
    await answers('web-80', Number(free))
    assert.match(
      await wharfd.ok('port', 'web', '81'),
      new RegExp(`^0.0.0.0:${port + 1}\n\\[::\\]:${port + 1}$`),
    )
    assert.match(await wharfd.ok('ps', '--format', '{{.Ports}}'), new RegExp(`0.0.0.0:${port + 1}->81/tcp`))
    // The same port of the host for another of the container, in one step.
    await wharfOk(wharfd, ['update', '--publish-rm', `${port}:80`, '--publish-add', `${port}:81`, 'web'])
    await answers('web-81', port)
    // A free port is named by the number that it got.
    await wharfOk(wharfd, ['update', '--publish-rm', `${free}:80`, 'web'])
    await answers('', Number(free))
    await answers('web-80', port + 2)
    assert.equal(
      await wharfd.ok('inspect', '-f', '{{json .HostConfig.PortBindings}}', 'web'),
      JSON.stringify({
        '80/tcp': [{ HostIp: '127.0.0.1', HostPort: `${port + 2}` }],
        '81/tcp': [
          { HostIp: '', HostPort: `${port + 1}` },
          { HostIp: '', HostPort: `${port}` },
        ],
      }),
    )
  })

  test('they outlive the death of the daemon, a restart of the container, and hold for a stopped one', async () => {
    await wharfd.crash()
    await answers('web-81', port)
    await wharfOk(wharfd, ['update', '--publish-rm', '81', 'web'])
    await answers('', port)
    await answers('', port + 1)
    await wharfd.ok('stop', '-t', '0', 'web')
    await wharfOk(wharfd, ['update', '--publish-add', `${port + 3}:80`, 'web'])
    await wharfd.ok('start', 'web')
    await answers('web-80', port + 3)
    await answers('web-80', port + 2)
    await answers('', port + 1)
  })

  test('what cannot be is refused, and nothing changes', async () => {
    await wharfd.ok('run', '-d', '--name', 'other', '-p', `${port + 5}:80`, ...serve('other'))
    const refusals: readonly (readonly [string[], RegExp])[] = [
      [['--publish-rm', '82', 'web'], /port 82\/tcp of container web is not published$/m],
      [['--publish-rm', '9:80', 'web'], /port 80\/tcp of container web is not published at 9$/m],
      [['--publish-add', `${port + 3}:80`, 'web'], /is already published at/],
      [
        ['--publish-add', `${port + 6}:80`, '--publish-add', `${port + 5}:81`, 'web'],
        /failed: port is already allocated/,
      ],
    ]
    const before = await wharfd.ok('port', 'web')
    for (const [args, words] of refusals) {
      const { exitCode, stderr } = await wharf(wharfd, ['update', ...args])
      assert.equal(exitCode, 1)
      assert.match(stderr, words)
    }
    assert.equal(await wharfd.ok('port', 'web'), before)
    await answers('', port + 6)
    await answers('other-80', port + 5)
    await wharfd.ok('run', '-d', '--name', 'alone', '--network', 'none', 'busybox', 'sleep', '1000')
    const { stderr } = await wharf(wharfd, ['update', '--publish-add', '80', 'alone'])
    assert.match(stderr, /it has no network of its own/)
  })

  test('a daemon that dies in between has the new ports when it is back', async () => {
    await wharfd.terminate()
    await wharfd.restart({ env: { WHARF_FAILPOINTS: 'network.republish.recorded=1*kill' } })
    await wharf(wharfd, [
      'update',
      '--publish-rm',
      `${port + 5}:80`,
      '--publish-add',
      `${port + 7}:81`,
      'other',
    ])
    await wharfd.ended()
    await wharfd.restart({})
    await answers('other-81', port + 7)
    await answers('', port + 5)
    assert.match(await wharfd.ok('port', 'other'), new RegExp(`^81/tcp -> 0.0.0.0:${port + 7}\n81/tcp -> \\[::\\]:${port + 7}$`)) // prettier-ignore
    await wharfd.ok('restart', '-t', '0', 'other')
    await answers('other-81', port + 7)
  })
})
