import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { before, describe, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { scratchDirectory, scratchTag } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'

const main = fileURLToPath(new URL('../../../src/daemon/main.ts', import.meta.url))
const root = scratchDirectory('l')
const certificates = `${root}/tls`

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: certificates, stdio: 'pipe' })
}

/** A CA, a certificate of the server for 127.0.0.1, and one of a client; another CA with its own client. */
function makeCertificates(): void {
  mkdirSync(certificates)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  for (const ca of ['ca', 'other-ca']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${ca}-key.pem`,
      '-out',
      `${ca}.pem`,
      '-subj',
      `/CN=${ca}`,
      '-days',
      '2',
    )
  }
  for (const [name, ca, extension] of [
    ['server', 'ca', 'subjectAltName=IP:127.0.0.1'],
    ['client', 'ca', 'extendedKeyUsage=clientAuth'],
    ['stranger', 'other-ca', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    openssl('req', ...key, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    writeFileSync(`${certificates}/${name}.ext`, extension)
    const signer = ['-CA', `${ca}.pem`, '-CAkey', `${ca}-key.pem`, '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
    )
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

let made = 0

/** A daemon with these flags, and what it says; without a default bridge, for nothing runs in it. */
function start(flags: readonly string[], shell?: string): { child: ChildProcess; said: () => string } {
  made += 1
  const own = `${root}/d${String(made)}`
  mkdirSync(own)
  writeFileSync(`${own}/daemon.json`, '{}')
  const argv = [
    ...[
      '--disable-warning=ExperimentalWarning',
      main,
      '--data-root',
      `${own}/data`,
      '--exec-root',
      `${own}/run`,
    ],
    ...['--pidfile', `${own}/pid`, '--config-file', `${own}/daemon.json`, '--bridge', 'none'],
    ...['--cgroup-parent', `/${scratchTag}`, '-D', ...flags],
  ]
  const child =
    shell === undefined
      ? spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn('/usr/bin/perl', ['-e', shell, process.execPath, ...argv], {
          stdio: ['ignore', 'pipe', 'pipe'],
        })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return { child, said: () => text }
}

async function serving(daemon: ReturnType<typeof start>): Promise<void> {
  await until(
    `the daemon serves: ${daemon.said()}`,
    () => daemon.said().includes('msg=serving') || ended(daemon.child),
  )
  assert.ok(!ended(daemon.child), daemon.said())
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function stop({ child }: { child: ChildProcess }): Promise<void> {
  if (!ended(child)) child.kill('SIGTERM')
  await until('the daemon has ended', () => ended(child))
}

const docker = (host: string, ...args: readonly string[]): ReturnType<typeof run> =>
  run(['docker', '-H', host, ...args], { env: { DOCKER_CONFIG: `${root}/config`, DOCKER_HOST: '' } })

describe('where the API is served', () => {
  before(() => {
    mkdirSync(`${root}/config`)
    makeCertificates()
  })

  test('TCP with TLS is for clients with a certificate of the CA', async (t) => {
    const port = await freePort()
    const tls = ['--tlsverify', '--tlscacert', `${certificates}/ca.pem`]
    const own = ['--tlscert', `${certificates}/server.pem`, '--tlskey', `${certificates}/server-key.pem`]
    const daemon = start([
      '-H',
      `tcp://127.0.0.1:${String(port)}`,
      '-H',
      `unix://${root}/tls.sock`,
      ...tls,
      ...own,
    ])
    t.after(() => stop(daemon))
    await serving(daemon)
    const host = `tcp://127.0.0.1:${String(port)}`
    const as = (name: string): string[] => [
      ...['--tlsverify', '--tlscacert', `${certificates}/ca.pem`],
      ...['--tlscert', `${certificates}/${name}.pem`, '--tlskey', `${certificates}/${name}-key.pem`],
    ]
    const trusted = await docker(host, ...as('client'), 'version', '--format', '{{.Server.Os}}')
    assert.equal(trusted.stdout, 'linux\n')
    assert.equal((await docker(host, ...as('stranger'), 'version')).exitCode, 1)
    assert.equal((await docker(host, '--tls', 'version')).exitCode, 1)
    assert.equal((await docker(host, 'version')).exitCode, 1)
    const local = await docker(`unix://${root}/tls.sock`, 'version', '--format', '{{.Server.Os}}')
    assert.equal(local.stdout, 'linux\n')
    await until('the log names the client', () => daemon.said().includes('caller=tls:client@127.0.0.1'))
  })

  test('TCP without client certificates is refused, unless the danger is named', async (t) => {
    const port = await freePort()
    const host = `tcp://127.0.0.1:${String(port)}`
    const refused = start(['-H', host])
    await until('it has ended', () => ended(refused.child))
    assert.equal(refused.child.exitCode, 1)
    assert.match(refused.said(), /refusing to serve tcp:.* without client certificates/)
    const open = start(['-H', host, '--insecure-tcp-without-authentication'])
    t.after(() => stop(open))
    await serving(open)
    const answer = await docker(host, 'info', '--format', '{{json .Warnings}}')
    assert.match(answer.stdout, /without encryption/)
  })

  test('a socket that systemd opened is taken over', async (t) => {
    const path = `${root}/activated.sock`
    // What systemd does: bind, listen, keep as descriptor 3, name the process, exec.
    const shell = `
      use Socket; use POSIX;
      socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; bind($s, sockaddr_un("${path}")) or die; listen($s, 9) or die;
      if (fileno($s) != 3) { POSIX::dup2(fileno($s), 3) or die }
      use Fcntl; open(my $t, "<&=", 3); fcntl($t, F_SETFD, 0);
      $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec @ARGV;`
    const daemon = start(['-H', 'fd://'], shell)
    t.after(() => stop(daemon))
    await serving(daemon)
    const answer = await docker(`unix://${path}`, 'version', '--format', '{{.Server.Os}}')
    assert.equal(answer.stdout, 'linux\n')
  })

  test('metrics are served where it is said', async (t) => {
    const port = await freePort()
    const daemon = start(['-H', `unix://${root}/m.sock`, '--metrics-addr', `127.0.0.1:${String(port)}`])
    t.after(() => stop(daemon))
    await serving(daemon)
    const answer = await fetch(`http://127.0.0.1:${String(port)}/metrics`)
    assert.match(await answer.text(), /^engine_daemon_container_states_containers\{state="running"\} 0$/m)
    assert.equal((await fetch(`http://127.0.0.1:${String(port)}/info`)).status, 404)
  })

  for (const [name, flags, message] of [
    ['fd:// without activation', ['-H', 'fd://'], /no sockets found via socket activation/],
    ['a host that is none', ['-H', 'http://x'], /invalid bind address format: http:\/\/x/],
    [
      'TLS without its files',
      ['-H', 'tcp://127.0.0.1:1', '--tlsverify', '--tlscert', '/no'],
      /could not read certificate \/no/,
    ],
    ['an unknown flag', ['--nonsense'], /unknown flag: --nonsense/],
    ['an unknown storage driver', ['-H', `unix://${root}/s.sock`, '-s', 'zfs'], /driver not supported: zfs/],
    ['an unknown runtime', ['-H', `unix://${root}/s.sock`, '--default-runtime', 'x'], /default runtime x/],
  ] as const) {
    test(`does not start with ${name}`, async () => {
      const daemon = start(flags)
      await until('it has ended', () => ended(daemon.child))
      assert.equal(daemon.child.exitCode, 1)
      assert.match(daemon.said(), message)
    })
  }
})
