import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

const classic = { env: { DOCKER_BUILDKIT: '0' } }
let daemon: Wharfd
let web: Server
let git: ChildProcess
const port = 39418
let address = ''

before(async () => {
  daemon = await Wharfd.startWithBusybox()
  web = createServer((request, response) => {
    if (request.url === '/Dockerfile')
      response.setHeader('content-type', 'text/plain').end('FROM busybox\nCMD echo remote\n')
    else if (request.url === '/file.txt') response.end('downloaded')
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const base = scratchDirectory('git')
  makeRepository(`${base}/repo`)
  git = spawn(
    'git',
    ['daemon', '--export-all', `--base-path=${base}`, '--listen=127.0.0.1', `--port=${port}`],
    { stdio: 'ignore' },
  )
  await until('the git daemon serves', () => {
    execFileSync('git', ['ls-remote', `git://127.0.0.1:${port}/repo`], { stdio: 'ignore' })
    return true
  })
})
after(async () => {
  git.kill()
  web.close()
  await daemon.stop()
})

function makeRepository(path: string): void {
  const run = (...args: readonly string[]): void => {
    execFileSync('git', ['-C', path, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      stdio: 'ignore',
    })
  }
  execFileSync('git', ['init', '--quiet', '-b', 'main', path], { stdio: 'ignore' })
  execFileSync('mkdir', [`${path}/sub`])
  writeFileSync(`${path}/Dockerfile`, 'FROM busybox\nCMD echo main\n')
  writeFileSync(`${path}/sub/Dockerfile`, 'FROM busybox\nCOPY f /f\nCMD cat /f\n')
  writeFileSync(`${path}/sub/f`, 'from the subdirectory')
  run('add', '.')
  run('commit', '-m', 'one')
  run('checkout', '-b', 'other')
  writeFileSync(`${path}/Dockerfile`, 'FROM busybox\nCMD echo other\n')
  run('commit', '-am', 'two')
  run('checkout', 'main')
}

/** `docker build` clones git contexts itself; the daemon does it for API clients. */
async function buildRemote(remote: string): Promise<string> {
  const { status, body } = await daemon.api('POST', `/build?t=remote&remote=${encodeURIComponent(remote)}`)
  assert.equal(status, 200, JSON.stringify(body))
  return await daemon.ok('run', '--rm', 'remote')
}

test('a git repository is a context, at a branch and in a subdirectory', async () => {
  const url = `git://127.0.0.1:${port}/repo`
  assert.equal(await buildRemote(url), 'main')
  assert.equal(await buildRemote(`${url}#other`), 'other')
  assert.equal(await buildRemote(`${url}#main:sub`), 'from the subdirectory')
})

test('a git repository that is not there is an error in git’s words', async () => {
  const { status, body } = await daemon.api(
    'POST',
    `/build?remote=${encodeURIComponent(`git://127.0.0.1:${port}/none`)}`,
  )
  assert.equal(status, 400)
  assert.match(JSON.stringify(body), /unable to prepare context: git fetch: .*repository/s)
})

test('a URL can be the Dockerfile', async () =>
  assert.equal(await buildRemote(`${address}/Dockerfile`), 'remote'))

test('ADD downloads, checks the digest, and clones', async () => {
  const context = scratchDirectory('add')
  const digest = execFileSync('sha256sum', { input: 'downloaded' }).toString().split(' ')[0]!
  const file = (sum: string): string =>
    `FROM busybox\nADD --checksum=sha256:${sum} ${address}/file.txt /d/\nADD git://127.0.0.1:${port}/repo#other /r/\nCMD cat /d/file.txt; ls /r; stat -c %a /d/file.txt`
  writeFileSync(`${context}/Dockerfile`, file(digest))
  await daemon.ok('build', '-t', 'added', context, classic)
  assert.equal(await daemon.ok('run', '--rm', 'added'), 'downloadedDockerfile\nsub\n600')
  writeFileSync(`${context}/Dockerfile`, file('0'.repeat(64)))
  const { stderr } = await daemon.docker('build', context, classic)
  assert.match(stderr, new RegExp(`digest mismatch sha256:${digest}: sha256:0{64}`))
})

test('ADD of a repository: a directory of it, its history, a certain commit', async () => {
  const context = scratchDirectory('add-git')
  const base = `git://127.0.0.1:${port}/repo`
  const commit = execFileSync('git', ['ls-remote', base, 'refs/heads/main']).toString().split('\t')[0]!
  const build = (add: string) => {
    writeFileSync(`${context}/Dockerfile`, `FROM busybox\n${add}\nCMD ls -A /r`)
    return daemon.docker('build', '-qt', 'added', context, classic)
  }
  await build(`ADD ${base}#main:sub /r/`)
  assert.equal(await daemon.ok('run', '--rm', 'added'), 'Dockerfile\nf')
  await build(`ADD --keep-git-dir=true --checksum=${commit} ${base}#main /r/`)
  assert.equal(await daemon.ok('run', '--rm', 'added'), '.git\nDockerfile\nsub')
  const { stderr } = await build(`ADD --checksum=${'0'.repeat(40)} ${base}#main /r/`)
  assert.match(stderr, new RegExp(`expected checksum to match 0{40}, got ${commit}`))
})

test('limits of a build reach its commands', async () => {
  const context = scratchDirectory('limits')
  writeFileSync(
    `${context}/Dockerfile`,
    'FROM busybox\nRUN ulimit -n > /n; df -k /dev/shm | tail -1 > /s\nCMD cat /n /s',
  )
  await daemon.ok('build', '-t', 'limits', '--ulimit', 'nofile=123:456', '--shm-size', '1m', context, classic)
  assert.match(await daemon.ok('run', '--rm', 'limits'), /^123\nshm +1024 /)
})

test('--rm=false leaves the container of a command', async () => {
  const context = scratchDirectory('keep')
  writeFileSync(`${context}/Dockerfile`, 'FROM busybox\nRUN true')
  await daemon.ok('build', '--rm=false', '--no-cache', context, classic)
  const ids = (await daemon.ok('ps', '-aq')).split('\n')
  assert.equal(ids.length, 1)
  await daemon.ok('rm', ...ids)
})

test('what a cached COPY --from looked at is let go of', async () => {
  const context = scratchDirectory('cached')
  writeFileSync(
    `${context}/Dockerfile`,
    'FROM busybox AS a\nRUN touch /a\nFROM busybox\nCOPY --from=a /a /b\n',
  )
  const roots = (): number =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`${daemon.root}/`) && line.includes(' - overlay ')).length
  await daemon.ok('build', context, classic)
  await until('the roots of the first build are gone', () => roots() === 0)
  await daemon.ok('build', context, classic)
  await until('the roots of the cached build are gone', () => roots() === 0, { timeoutMs: 10_000 })
})
