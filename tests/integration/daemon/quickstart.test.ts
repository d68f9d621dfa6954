import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../support/engine.ts'
import { isIsolated, scratchDirectory, scratchRoot } from '../../support/scratch.ts'
import { killTree } from '../../support/sweep.ts'
import { until } from '../../support/until.ts'

const project = fileURLToPath(new URL('../../../', import.meta.url))
const copied = ['bin', 'src', 'packaging', 'quickstart', 'package.json', 'package-lock.json', 'tsconfig.json']
const own = ['/run', '/var/lib/wharf', '/var/log']

/** It uses the roots that a user has: only where they can be hidden below memory of our own. */
const options = {
  skip: isIsolated ? false : 'run it by ./test, which makes a mount namespace for it',
  timeout: 240_000,
}

let checkout = ''
before(() => {
  if (!isIsolated) return
  for (const path of own) {
    mkdirSync(path, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path])
  }
  // A copy, for quickstart makes bundles, and the checkout under test shall go on running its sources.
  checkout = scratchDirectory('checkout')
  for (const name of copied.filter((file) => existsSync(project + file)))
    cpSync(project + name, `${checkout}/${name}`, { recursive: true })
  symlinkSync(`${project}node_modules`, `${checkout}/node_modules`)
})
after(async () => {
  if (!isIsolated) return
  if (existsSync('/run/wharf/wharf.sock')) {
    await run(['sh', '-c', 'docker ps -aq | xargs -r docker rm -fv'], {
      env: { DOCKER_HOST: 'unix:///run/wharf/wharf.sock' },
    })
  }
  if (existsSync('/run/wharf/wharfd.pid')) {
    const pid = Number(readFileSync('/run/wharf/wharfd.pid', 'utf8'))
    process.kill(pid, 'SIGTERM')
    await until('wharfd has ended', () => !existsSync(`/proc/${pid}`))
  }
  await killTree(checkout, scratchRoot)
  const links = JSON.parse(
    execFileSync('ip', ['-j', 'link', 'show', 'type', 'bridge'], { encoding: 'utf8' }),
  ) as { ifname: string }[]
  for (const { ifname } of links) execFileSync('ip', ['link', 'delete', ifname])
  for (const path of own) execFileSync('umount', ['--recursive', path])
})

test(
  'quickstart leads a newcomer to a running web server, and running it again is harmless',
  options,
  async () => {
    for (const time of ['first', 'second']) {
      const result = await run(['env', '-i', `PATH=${process.env.PATH}`, `${checkout}/quickstart`], {
        timeoutMs: 110_000,
      })
      assert.equal(result.exitCode, 0, `the ${time} time: ${result.stdout}\n${result.stderr}`)
      assert.match(result.stdout, /^hello from a container$/m)
      assert.match(result.stdout, /answers: <h1>Served by a container<\/h1>/)
      assert.match(result.stdout, /quickstart-web/)
    }
    const { stdout } = await run(['docker', 'ps', '--format', '{{.Names}}'], {
      env: { DOCKER_HOST: 'unix:///run/wharf/wharf.sock' },
    })
    assert.equal(stdout, 'quickstart-web\n')
  },
)
