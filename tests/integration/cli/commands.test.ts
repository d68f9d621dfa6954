import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf, wharfArgv, wharfEnv, wharfOk } from './wharf-cli.ts'

let daemon: Wharfd
const ok = (...args: string[]) => wharfOk(daemon, args)

before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

test('run gives the exit code of the process, and its streams apart', async () => {
  const result = await wharf(daemon, ['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 3'])
  assert.deepEqual(result, { exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
})

test('run says by its exit code why nothing ran', async () => {
  const missing = await wharf(daemon, ['run', '--rm', 'busybox', 'no-such-program'])
  assert.equal(missing.exitCode, 127)
  const forbidden = await wharf(daemon, ['run', '--rm', 'busybox', '/etc'])
  assert.equal(forbidden.exitCode, 126)
  const wrong = await wharf(daemon, ['run', '--no-such-flag', 'busybox'])
  assert.equal(wrong.exitCode, 125)
  assert.match(wrong.stderr, /^unknown flag: --no-such-flag\n\nUsage: {2}wharf run \[OPTIONS\] IMAGE/)
})

test('run -i sends stdin and its end', async () => {
  assert.equal(await wharfOk(daemon, ['run', '--rm', '-i', 'busybox', 'cat'], { input: 'a\nb\n' }), 'a\nb')
})

test('run -t gives a terminal of the size of the user’s, and keys detach', async () => {
  const script = (command: string, input: string) =>
    run(['script', '-qec', `stty rows 33 cols 91; ${[...wharfArgv].join(' ')} ${command}`, '/dev/null'], {
      env: wharfEnv(daemon),
      input,
    })
  const { stdout, exitCode } = await script("run --rm -t busybox sh -c 'stty size; exit 6'", '')
  assert.match(stdout, /33 91/)
  assert.equal(exitCode, 6)
})

test('a signal goes on to the process', async () => {
  const name = 'cli-signal'
  const ending = run(
    [
      ...wharfArgv,
      'run',
      '--rm',
      '--name',
      name,
      'busybox',
      'sh',
      '-c',
      'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done',
    ],
    {
      env: wharfEnv(daemon),
    },
  )
  await until('the container has said that it is ready', async () =>
    (await wharf(daemon, ['logs', name])).stdout.includes('ready'),
  )
  await ok('kill', '-s', 'TERM', name)
  assert.equal((await ending).exitCode, 9)
})

test('create, start -a, wait, logs, rm, --cidfile', async () => {
  const cidfile = `${scratchDirectory('cid')}/id`
  const id = await ok(
    'create',
    '--cidfile',
    cidfile,
    '--name',
    'cli-made',
    'busybox',
    'sh',
    '-c',
    'echo hi; exit 4',
  )
  assert.equal(readFileSync(cidfile, 'utf8'), id)
  const started = await wharf(daemon, ['start', '-a', 'cli-made'])
  assert.deepEqual([started.exitCode, started.stdout], [4, 'hi\n'])
  assert.equal(await ok('wait', 'cli-made'), '4')
  assert.equal(await ok('logs', 'cli-made'), 'hi')
  assert.equal(await ok('rm', 'cli-made'), 'cli-made')
})

test('cp takes trees in and out as cp -a does', async () => {
  const folder = scratchDirectory('cp')
  mkdirSync(`${folder}/tree/sub`, { recursive: true })
  writeFileSync(`${folder}/tree/sub/file`, 'content')
  chmodSync(`${folder}/tree/sub/file`, 0o700)
  await ok('run', '-d', '--name', 'cli-cp', 'busybox', 'sleep', '100000')
  await ok('cp', `${folder}/tree`, 'cli-cp:/tmp')
  await ok('cp', `${folder}/tree/.`, 'cli-cp:/root')
  await ok('cp', `${folder}/tree/sub/file`, 'cli-cp:/root/renamed')
  assert.equal(
    await ok('exec', 'cli-cp', 'sh', '-c', 'cat /tmp/tree/sub/file /root/sub/file /root/renamed'),
    'contentcontentcontent',
  )
  mkdirSync(`${folder}/out`)
  await ok('cp', 'cli-cp:/tmp/tree', `${folder}/out`)
  await ok('cp', 'cli-cp:/tmp/tree', `${folder}/out/other`)
  assert.equal(readFileSync(`${folder}/out/tree/sub/file`, 'utf8'), 'content')
  assert.equal(readFileSync(`${folder}/out/other/sub/file`, 'utf8'), 'content')
  const tar = await run(['sh', '-c', `${wharfArgv.join(' ')} cp cli-cp:/root/renamed - | tar -tf -`], {
    env: wharfEnv(daemon),
  })
  assert.equal(tar.stdout, 'renamed\n')
  await ok('rm', '-f', 'cli-cp')
})

test('build sends the context without what .dockerignore names', async () => {
  const folder = scratchDirectory('build')
  writeFileSync(
    `${folder}/Dockerfile`,
    'FROM busybox\nARG WHO=nobody\nCOPY . /ctx\nRUN ls -A /ctx > /list; echo $WHO > /who\nCMD ["cat", "/list", "/who"]\n',
  )
  writeFileSync(`${folder}/.dockerignore`, '*.log\n!keep.log\nsecret\n')
  mkdirSync(`${folder}/secret`)
  for (const name of ['a.log', 'keep.log', 'b.txt', 'secret/key']) writeFileSync(`${folder}/${name}`, name)
  const iidfile = `${scratchDirectory('iid')}/id`
  const id = await ok(
    'build',
    '-q',
    '-t',
    'cli/built:1',
    '--build-arg',
    'WHO=me',
    '--iidfile',
    iidfile,
    folder,
  )
  assert.match(id, /^sha256:[0-9a-f]{64}$/)
  assert.equal(readFileSync(iidfile, 'utf8'), id)
  assert.equal(await ok('run', '--rm', 'cli/built:1'), '.dockerignore\nDockerfile\nb.txt\nkeep.log\nme')
  await ok('build', '-t', 'cli/built:2', '-f', `${folder}/Dockerfile`, folder)
  assert.match(await ok('inspect', '-f', '{{.Id}}', 'cli/built:2'), /^sha256:/)
  const fromStdin = await wharfOk(daemon, ['build', '-q', '-'], { input: 'FROM busybox\nLABEL a=b\n' })
  assert.match(fromStdin, /^sha256:/)
})

test('commit, save, load, export, import, tag, rmi', async () => {
  const folder = scratchDirectory('images')
  await ok('run', '--name', 'cli-commit', 'busybox', 'touch', '/made')
  assert.equal(await ok('diff', 'cli-commit'), 'A /made')
  await ok('commit', '-c', 'CMD ["ls", "/made"]', 'cli-commit', 'cli/committed')
  assert.equal(await ok('run', '--rm', 'cli/committed'), '/made')
  await ok('save', '-o', `${folder}/saved.tar`, 'cli/committed')
  assert.equal(
    await ok('rmi', 'cli/committed').then((text) => text.split('\n')[0]),
    'Untagged: cli/committed:latest',
  )
  assert.match(await ok('load', '-i', `${folder}/saved.tar`), /Loaded image: cli\/committed:latest/)
  await ok('export', '-o', `${folder}/root.tar`, 'cli-commit')
  assert.ok(existsSync(`${folder}/root.tar`))
  await ok('import', `${folder}/root.tar`, 'cli/imported:x')
  assert.equal(await ok('run', '--rm', 'cli/imported:x', 'ls', '/made'), '/made')
  const server = createServer((_request, response) => response.end(readFileSync(`${folder}/root.tar`)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  assert.match(await ok('import', `http://127.0.0.1:${port}/root.tar`), /sha256:[0-9a-f]{64}$/)
  server.close()
  await ok('tag', 'cli/imported:x', 'cli/imported:y')
  assert.match(await ok('image', 'tree'), /cli\/imported:x, cli\/imported:y|cli\/imported:y, cli\/imported:x/)
  const tree = JSON.parse(await ok('image', 'tree', '--json')) as { Images: unknown[]; Children: unknown[] }
  assert.ok(tree.Images.length + tree.Children.length > 0)
  assert.equal(JSON.parse(await ok('images', '--json', '--filter', 'reference=cli/imported:x')).Tag, 'x')
  await ok('rm', 'cli-commit')
})

test('networks and volumes live and die', async () => {
  await ok('network', 'create', '--subnet', '10.251.77.0/24', '--gateway', '10.251.77.1', 'cli-net')
  assert.equal(
    await ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'cli-net'),
    '10.251.77.1',
  )
  await ok('run', '-d', '--name', 'cli-netted', '--network', 'cli-net', 'busybox', 'sleep', '100000')
  assert.match(await ok('network', 'inspect', '--diagnose', 'cli-net'), /ok {4}cli-netted has 10\.251\.77\./)
  await ok('network', 'disconnect', 'cli-net', 'cli-netted')
  await ok('network', 'connect', '--alias', 'other', 'cli-net', 'cli-netted')
  await ok('rm', '-f', 'cli-netted')
  assert.equal(await ok('network', 'rm', 'cli-net'), 'cli-net')
  assert.equal(await ok('volume', 'create', '--label', 'a=b', 'cli-volume'), 'cli-volume')
  assert.equal(await ok('volume', 'inspect', '-f', '{{.Labels.a}}', 'cli-volume'), 'b')
  assert.equal(await ok('volume', 'rm', 'cli-volume'), 'cli-volume')
})

test('what the daemon says of itself can be read', async () => {
  assert.match(await ok('version'), /^Client:\n Version: +\S+/)
  assert.equal(await ok('version', '-f', '{{.Server.Os}}'), 'linux')
  assert.match(await ok('info'), /\n Server Version: /)
  assert.match(await ok('system', 'df'), /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages /)
  assert.match(await ok('system', 'df', '-v'), /^Images space usage:\n/)
  assert.match(await ok('events', '--since', '1h', '--until', '0s'), / container create /)
  assert.match(await ok('stats', '--no-stream'), /^CONTAINER ID +NAME +CPU %/)
  assert.match(await ok('completion', 'bash'), /complete -o default -F _wharf wharf/)
})

test('contexts are kept in the folder of the configuration', async () => {
  const env = { DOCKER_CONFIG: scratchDirectory('config'), DOCKER_HOST: '' }
  await wharfOk(
    daemon,
    ['context', 'create', 'here', '--docker', `host=unix://${daemon.socketPath}`, '--description', 'd'],
    { env },
  )
  await wharfOk(daemon, ['context', 'use', 'here'], { env })
  assert.equal(await wharfOk(daemon, ['context', 'show'], { env }), 'here')
  assert.equal(await wharfOk(daemon, ['version', '-f', '{{.Server.Os}}'], { env }), 'linux')
  const exported = `${scratchDirectory('context')}/x.tar`
  await wharfOk(daemon, ['context', 'export', 'here', exported], { env })
  await wharfOk(daemon, ['context', 'import', 'again', exported], { env })
  assert.equal(await wharfOk(daemon, ['context', 'ls', '-q'], { env }), 'again\ndefault\nhere')
  await wharfOk(daemon, ['context', 'rm', 'again'], { env })
})

test('no daemon is told in one line', async () => {
  const { exitCode, stderr } = await wharf(daemon, ['-H', 'unix:///nonexistent/wharf.sock', 'ps'])
  assert.equal(exitCode, 1)
  assert.equal(
    stderr,
    'Cannot connect to the Docker daemon at unix:///nonexistent/wharf.sock. Is the docker daemon running?\n',
  )
})

test('every command has a help text', async () => {
  const { branches, topLevel } = await import('../../../src/cli/tree.ts')
  const paths = [
    ...topLevel.map(({ name }) => [name]),
    ...branches.flatMap(({ name, children }) => children.map((leaf) => [name, leaf.name])),
  ]
  const { commandHelp } = await import('../../../src/cli/core/help.ts')
  for (const leaf of [...topLevel, ...branches.flatMap(({ children }) => children)]) {
    const { default: command } = await leaf.load()
    assert.match(commandHelp(command, { path: leaf.name, short: leaf.short, aliases: [] }), /^Usage: {2}/)
  }
  assert.ok(paths.length > 90)
})
