import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { builtImage, said, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
/** Found nowhere but in memory. */
const value = `hidden-${randomBytes(12).toString('hex')}`
let file = ''

before(async () => {
  daemon = await Wharfd.startWithBusybox()
  file = join(scratchDirectory('secret'), 'token')
  writeFileSync(file, `${value}\n`)
})
after(() => daemon.stop())

/** Files below the daemon's roots that hold the value. */
function filesWithValue(): string {
  return spawnSync('grep', ['-rlaF', '--devices=skip', value, daemon.root], { encoding: 'utf8' }).stdout
}

test('a secret is a file in memory, with the owner and mode of the mount', async () => {
  const built = await wharfBuild(
    daemon,
    {
      Dockerfile: `FROM busybox
RUN --mount=type=secret,id=token md5sum /run/secrets/token | sed 's/^/say /'; stat -c 'say %a %u %g' /run/secrets/token
RUN --mount=type=secret,id=token,target=/etc/tok,mode=0440,uid=5,gid=6 stat -c 'say %a %u %g' /etc/tok; stat -fc 'say %T' /etc/tok
RUN ls /run/secrets /etc/tok 2>&1 | sed 's/^/say /'
`,
    },
    ['--secret', `id=token,src=${file}`, '-t', 'secret'],
  )
  assert.equal(built.exitCode, 0, built.stderr)
  const sum = execFileSync('md5sum', [file], { encoding: 'utf8' }).split(' ')[0] as string
  assert.deepEqual(said(built), [
    `${sum}  /run/secrets/token`,
    '400 0 0',
    '440 5 6',
    'tmpfs',
    'ls: /run/secrets: No such file or directory',
    'ls: /etc/tok: No such file or directory',
  ])
})

test('a secret is a variable of the command, whatever is in it', async () => {
  const odd = `it's "$HOME" \`x\` \\ ${value}\nline`
  const built = await wharfBuild(
    daemon,
    {
      Dockerfile: `FROM busybox
USER 7
RUN --mount=type=secret,id=odd,env=ODD printf %s "$ODD" | md5sum | sed 's/^/say /'; ls /run/secrets 2>/dev/null | sed 's/^/say /'
`,
    },
    ['--secret', 'id=odd,env=ODD_HERE'],
    { env: { ODD_HERE: odd } },
  )
  assert.equal(built.exitCode, 0, built.stderr)
  const sum = execFileSync('md5sum', { input: odd, encoding: 'utf8' }).split(' ')[0] as string
  assert.deepEqual(said(built), [`${sum}  -`])
})

test('a secret is in no file of the daemon, during the build and after it', async () => {
  const marker = `FROM busybox
RUN --mount=type=secret,id=token --mount=type=secret,id=token,env=TOKEN test -n "$TOKEN" && test -s /run/secrets/token && sleep 2
`
  const building = wharfBuild(daemon, { Dockerfile: marker }, [
    '--no-cache',
    '-t',
    'quiet',
    '--secret',
    `id=token,src=${file}`,
  ])
  let seen = ''
  const look = setInterval(() => (seen += filesWithValue().replaceAll(/.*build-secrets.*\n/g, '')), 200)
  const built = await building
  clearInterval(look)
  assert.equal(built.exitCode, 0, built.stderr)
  assert.equal(seen, '')
  assert.equal(filesWithValue(), '')
  assert.doesNotMatch(await daemon.ok('history', '--no-trunc', 'quiet'), new RegExp(value))
})

test('another value of a secret does not undo the cache', async () => {
  const files = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=v head -c 9 /dev/urandom > /f\n' }
  const env = { env: { ONE: 'one', TWO: 'two' } }
  const first = await builtImage(daemon, files, ['--secret', 'id=v,env=ONE'], env)
  assert.equal(await builtImage(daemon, files, ['--secret', 'id=v,env=TWO'], env), first)
})

test('a secret that is missing fails only where it is required', async () => {
  const optional = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=none test ! -e /run/secrets/none' }
  await builtImage(daemon, optional)
  const required = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=none,required true' }
  const built = await wharfBuild(daemon, required)
  assert.equal(built.exitCode, 1)
  assert.match(built.stderr, /secret none: not found/)
  // The stock CLI's classic path has no session: the same words.
  const classic = await daemon.docker('build', '-', {
    input: required.Dockerfile,
    env: { DOCKER_BUILDKIT: '0' },
  })
  assert.match(classic.stderr, /secret none: not found/)
})

const wrong: readonly (readonly [title: string, args: readonly string[], error: RegExp])[] = [
  ['without an id', ['--secret', 'src=/etc/hostname'], /secret id is required/],
  ['without its file', ['--secret', 'id=a,src=/nonexistent'], /no such file or directory/],
  ['without an agent', ['--ssh', 'default=/nonexistent'], /no such file or directory/],
  ['with a key instead of an agent', ['--ssh', 'default=/etc/hostname'], /is no agent's socket/],
]
for (const [title, args, error] of wrong) {
  test(`a secret or agent ${title} is refused before the build`, async () => {
    const built = await wharfBuild(daemon, { Dockerfile: 'FROM busybox' }, args)
    assert.notEqual(built.exitCode, 0)
    assert.match(built.stderr, error)
  })
}

const mistakes: readonly (readonly [mount: string, error: RegExp])[] = [
  ['type=secret', /one of source, target required/],
  ['type=secret,id=a,sharing=locked', /unexpected key 'sharing' for mount type 'secret'/],
  ['type=bind,target=/x,required=true', /unexpected key 'required' for mount type 'bind'/],
  ['type=secret,id=a,mode=9z', /invalid value 9z for mode/],
  ['type=secret,id=a,uid=me', /invalid value me for uid/],
]
for (const [mount, error] of mistakes) {
  test(`RUN --mount=${mount} is refused`, async () => {
    const built = await wharfBuild(daemon, { Dockerfile: `FROM busybox\nRUN --mount=${mount} true` })
    assert.equal(built.exitCode, 1)
    assert.match(built.stderr, error)
  })
}

test('an SSH agent is forwarded, as often as it is asked', async () => {
  const agent = await pongAgent()
  try {
    const building = wharfBuild(
      daemon,
      {
        Dockerfile: `FROM busybox
RUN --mount=type=ssh echo "say $SSH_AUTH_SOCK"; stat -c 'say %a %u' $SSH_AUTH_SOCK; while test ! -e /run/buildkit/go; do sleep 0.1; done; rm /run/buildkit/go
RUN --mount=type=ssh,id=other,target=/a.sock,mode=0666,uid=9 stat -c 'say %a %u' /a.sock
RUN ! ls -d /run/buildkit /a.sock
`,
      },
      ['--no-cache', '--ssh', `default=${agent.path}`, '--ssh', `other=${agent.path}`],
    )
    // No program of busybox speaks to unix sockets: it is asked through the container's root.
    const inside = await until('the command runs', () => insideContainer('/run/buildkit/ssh_agent.0'))
    assert.deepEqual(
      [await ask(inside), await ask(inside), await ask(inside)],
      ['pong\n', 'pong\n', 'pong\n'],
    )
    writeFileSync(inside.replace('ssh_agent.0', 'go'), '')
    const built = await building
    assert.equal(built.exitCode, 0, built.stderr + built.stdout)
    assert.deepEqual(said(built), ['/run/buildkit/ssh_agent.0', '600 0', '666 9'])
    const none = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nRUN --mount=type=ssh,required true' })
    assert.match(none.stderr, /no SSH key "default" forwarded from the client/)
  } finally {
    agent.server.close()
  }
})

/** The path of a file inside the one container that has it; null while none has. */
function insideContainer(path: string): string | null {
  const pids = execFileSync('pgrep', ['-f', 'while test ! -e /run/buildkit/go'], { encoding: 'utf8' })
  return (
    pids
      .split('\n')
      .filter((pid) => pid !== '')
      .map((pid) => `/proc/${pid}/root${path}`)
      .find((found) => existsSync(found)) ?? null
  )
}

function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write('ping\n'))
    let text = ''
    socket.on('data', (chunk) => (text += String(chunk)))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}

async function pongAgent(): Promise<{ path: string; server: Server }> {
  const path = join(scratchDirectory('agent'), 's')
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end('pong\n'))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return { path, server }
}

test('nothing of a secret stays mounted', () => {
  assert.equal(
    execFileSync('sh', ['-c', `find ${daemon.root} -path '*/build-secrets/*'`], {
      encoding: 'utf8',
    }).trim(),
    '',
  )
})
