import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { run } from '../support/engine.ts'
import { onBoth } from './both.ts'

const cli = '/usr/bin/docker'
const version = existsSync(cli)
  ? (await run([cli, '--version'])).stdout.trim()
  : 'no docker CLI of Debian here'

await onBoth(`the CLI of Debian (${version})`, (engine) => {
  const docker = (...args: string[]): Promise<string> =>
    engine().ok(...args, { cli, env: { DOCKER_BUILDKIT: '0' } })
  const options = { skip: existsSync(cli) ? false : version }

  test('runs, lists, looks into and removes containers', options, async () => {
    assert.equal(await docker('run', '--rm', 'busybox', 'echo', 'hello'), 'hello')
    await docker(
      'run',
      '-d',
      '--name',
      'old',
      '-p',
      '18090:80',
      '-v',
      'oldv:/v',
      '-e',
      'A=1',
      'busybox',
      'sleep',
      '1000',
    )
    assert.equal(await docker('exec', 'old', 'sh', '-c', 'echo $A'), '1')
    assert.match(await docker('ps'), /busybox +"sleep 1000" .* 0\.0\.0\.0:18090->80\/tcp.* old/)
    assert.equal(
      await docker('inspect', '-f', '{{.State.Status}} {{.Config.Image}}', 'old'),
      'running busybox',
    )
    assert.match(await docker('port', 'old'), /80\/tcp -> 0\.0\.0\.0:18090/)
    assert.equal(await docker('stop', '-t', '0', 'old'), 'old')
    assert.equal(await docker('rm', '-v', 'old'), 'old')
    assert.equal(await docker('volume', 'rm', 'oldv'), 'oldv')
  })

  test('reads logs, pauses, renames, waits', options, async () => {
    await docker('run', '-d', '--name', 'old2', 'busybox', 'sh', '-c', 'echo line; sleep 1000')
    await docker('pause', 'old2')
    await docker('unpause', 'old2')
    await docker('rename', 'old2', 'old3')
    assert.equal(await docker('logs', 'old3'), 'line')
    await docker('kill', 'old3')
    assert.equal(await docker('wait', 'old3'), '137')
    await docker('rm', 'old3')
  })

  test('images, networks, info, system df', options, async () => {
    assert.match(await docker('images'), /^busybox +latest/m)
    await docker('tag', 'busybox', 'old:1')
    assert.match(await docker('rmi', 'old:1'), /Untagged: old:1/)
    await docker('network', 'create', 'oldn')
    assert.match(await docker('network', 'ls'), /oldn +bridge +local/)
    await docker('network', 'rm', 'oldn')
    assert.match(await docker('info'), /Containers: 0/)
    assert.match(await docker('version'), /Server/)
    assert.match(await docker('system', 'df'), /Images +1 +0/)
  })

  test('builds', options, async () => {
    const built = await engine().docker('build', '-t', 'old:built', '-', {
      cli,
      input: 'FROM busybox\nRUN echo made > /made\nCMD cat /made\n',
      env: { DOCKER_BUILDKIT: '0' },
    })
    assert.match(built.stdout, /Successfully tagged old:built/, built.stderr)
    assert.equal(await docker('run', '--rm', 'old:built'), 'made')
    await docker('rmi', 'old:built')
  })
})
