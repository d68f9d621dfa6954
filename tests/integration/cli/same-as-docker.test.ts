import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { dockerCli } from '../../support/engine.ts'
import { assertSameText } from '../../support/assert-same-text.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf } from './wharf-cli.ts'

/*
 * The stock client and wharf on the same daemon print the same. Columns that change while one looks (CREATED, STATUS)
 * are left out by formats; what only some versions of the stock client say is not compared.
 */
const skip = existsSync(dockerCli) ? false : 'no docker client on this machine'

let daemon: Wharfd

before(async () => {
  if (skip !== false) return
  daemon = await Wharfd.startWithBusybox()
  const create = [
    'run',
    '-d',
    '--name',
    'cmp-web',
    '-l',
    'a=b',
    '-l',
    'c=d',
    '-p',
    '127.0.0.1::80',
    '-v',
    'cmp-vol:/data',
  ]
  await daemon.ok(...create, 'busybox', 'sh', '-c', 'echo out; echo err >&2; exec sleep 100000')
  await daemon.ok('create', '--name', 'cmp-made', 'busybox', 'echo', 'a long command line that is cut', '<&>')
  await daemon.ok('network', 'create', '-d', 'bridge', '--label', 'x=y', 'cmp-net')
  await daemon.ok('tag', 'busybox', 'cmp/name:1.0')
})

after(async () => {
  if (skip === false) await daemon.stop()
})

const cases: readonly (readonly string[])[] = [
  ['ps', '-a', '--format', 'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.Ports}}\t{{.Names}}'],
  [
    'ps',
    '-a',
    '--no-trunc',
    '--format',
    'table {{.ID}}\t{{.Command}}\t{{.Mounts}}\t{{.Networks}}\t{{.LocalVolumes}}',
  ],
  ['ps', '-a', '--format', '{{.ID}} {{.Names}} {{.State}} {{.Labels}} {{.Label "a"}} {{.CreatedAt}}'],
  ['ps', '-a', '--format', 'table {{.Names}}\t{{.Label "a"}}'],
  [
    'ps',
    '-a',
    '--format',
    '{{json .Labels}} {{upper .Names}} {{len .Names}} {{range split .Labels ","}}<{{.}}>{{end}}',
  ],
  ['ps', '-aq'],
  ['ps', '-aq', '--no-trunc', '-f', 'name=cmp-web'],
  ['ps', '--format', '{{.Foo}}'],
  ['container', 'ls', '-a', '-f', 'status=created', '--format', '{{.Names}}: {{.Status}}'],
  ['images', 'busybox', '--format', 'table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Size}}'],
  ['images', '-q', '--no-trunc'],
  ['image', 'ls', 'busybox', '--digests', '--format', '{{.Repository}}:{{.Tag}}@{{.Digest}}'],
  ['images', 'cmp/name', '--format', '{{.Repository}}'],
  ['network', 'ls'],
  ['network', 'ls', '--no-trunc', '-f', 'name=cmp-net'],
  ['network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Internal}} {{.IPv6}} {{.Labels}}'],
  ['volume', 'ls'],
  ['volume', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Mountpoint}} {{.Scope}}'],
  ['volume', 'inspect', 'cmp-vol'],
  ['history', '--format', '{{.ID}} {{.Size}} {{.CreatedBy}} {{.Comment}}', 'busybox'],
  ['port', 'cmp-web'],
  ['port', 'cmp-web', '80'],
  ['logs', 'cmp-web'],
  ['logs', '-t', '-n', '1', 'cmp-web'],
  ['diff', 'cmp-made'],
  ['top', 'cmp-web', '-o', 'comm'],
  ['exec', 'cmp-web', 'sh', '-c', 'echo a; echo b >&2; exit 5'],
  ['exec', '-e', 'A=1', '-w', '/tmp', 'cmp-web', 'sh', '-c', 'echo $A; pwd'],
  [
    'inspect',
    '-f',
    '{{.State.Status}} {{.Name}} {{json .Config.Labels}} {{.HostConfig.NetworkMode}}',
    'cmp-web',
  ],
  [
    'inspect',
    '-f',
    '{{range $p, $b := .NetworkSettings.Ports}}{{$p}}={{(index $b 0).HostPort}}{{end}}',
    'cmp-web',
  ],
  ['inspect', '-f', '{{.Foo}}', 'cmp-web'],
  ['inspect', '-f', '{{foo}}', 'cmp-web'],
  ['inspect', '--type', 'volume', 'cmp-vol'],
  ['logs', 'cmp-nope'],
  ['inspect', 'cmp-nope'],
  ['image', 'inspect', 'cmp-nope'],
  ['rm', 'cmp-nope', 'cmp-nope2'],
  ['rmi', 'cmp-nope'],
  ['volume', 'rm', 'cmp-nope'],
  ['network', 'rm', 'cmp-nope'],
  ['stop', 'cmp-nope'],
  ['kill', 'cmp-nope'],
  ['rename', 'cmp-nope', 'x'],
  ['update', 'cmp-web'],
  ['cp', 'a', 'b'],
  ['cp', 'cmp-web:/nope', '/tmp'],
]

for (const args of cases) {
  test(`wharf ${args.join(' ')}`, { skip }, async () => {
    const docker = await daemon.docker(...args)
    const ours = await wharf(daemon, args)
    const text = ({ exitCode, stdout, stderr }: typeof ours) =>
      `${stdout}\n--- stderr\n${stderr}\n--- exit code ${exitCode}`
    assertSameText(text(ours), text(docker))
  })
}

test('a description is the daemon’s own, laid out the same', { skip }, async () => {
  const [docker, ours] = await Promise.all([
    daemon.docker('network', 'inspect', 'none'),
    wharf(daemon, ['network', 'inspect', 'none']),
  ])
  assert.deepEqual(
    Object.keys(JSON.parse(ours.stdout)[0]).slice(0, 3),
    Object.keys(JSON.parse(docker.stdout)[0]).slice(0, 3),
  )
  assert.equal(ours.stdout.split('\n')[1], docker.stdout.split('\n')[1])
})
