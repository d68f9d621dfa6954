import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Wharfd } from '../../support/wharfd.ts'

/** CRIU itself works on few kernels: tests/vm has one. Here is what is told where it cannot. */
describe('checkpoints', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox({ config: { experimental: true } })
    await wharfd.ok('run', '-d', '--name', 'frozen', '--runtime', 'runc', 'busybox', 'sleep', '1000')
    await wharfd.ok('run', '-dt', '--name', 'terminal', 'busybox', 'sleep', '1000')
  })
  after(async () => {
    await wharfd.stop()
  })

  const refused: readonly (readonly [string[], RegExp])[] = [
    [['checkpoint', 'create', 'nobody', 'one'], /No such container: nobody/],
    [['checkpoint', 'create', 'terminal', 'one'], /checkpoint not support on containers with tty/],
    [
      ['checkpoint', 'create', 'frozen', 'a/b'],
      /Invalid checkpoint ID \(a\/b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
    ],
    [['checkpoint', 'rm', 'frozen', 'nosuch'], /checkpoint nosuch does not exist for container frozen/],
    [['start', '--checkpoint', 'nosuch', 'frozen'], /checkpoint nosuch does not exist for container/],
    [
      ['start', '--checkpoint', 'nosuch', '--checkpoint-dir', '/tmp', 'frozen'],
      /custom checkpointdir is not supported/,
    ],
  ]
  for (const [args, message] of refused) {
    test(`docker ${args.join(' ')} is refused`, async () => {
      const { exitCode, stderr } = await wharfd.docker(...args)
      assert.match(stderr, message)
      assert.equal(exitCode, 1)
    })
  }

  test('a checkpoint is there, or it is said what is missing and the container goes on', async () => {
    const { exitCode, stderr } = await wharfd.docker(
      'checkpoint',
      'create',
      '--leave-running',
      'frozen',
      'one',
    )
    const listed = await wharfd.ok('checkpoint', 'ls', 'frozen')
    if (exitCode === 0) assert.match(listed, /^one$/m)
    else {
      assert.match(stderr, /Cannot checkpoint container frozen: runc did not terminate successfully: .*criu/i)
      assert.equal(listed.trim(), 'CHECKPOINT NAME')
    }
    assert.equal(await wharfd.ok('exec', 'frozen', 'echo', 'alive'), 'alive')
  })

  test('without the experimental mode there are none', async () => {
    assert.equal(await wharfd.ok('version', '-f', '{{.Server.Experimental}}'), 'true')
    await wharfd.terminate()
    await wharfd.restart({ config: {} })
    const { status, body } = await wharfd.api('GET', '/containers/frozen/checkpoints')
    assert.equal(status, 501)
    assert.match(body.message, /This experimental feature is disabled by default/)
    assert.equal((await wharfd.api('POST', '/containers/frozen/start?checkpoint=x')).status, 400)
  })
})
