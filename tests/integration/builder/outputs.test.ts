import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { OCI_INDEX_TYPE, RegistryServer } from '../../support/registry-server.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'
import { wharf, wharfArgv, wharfEnv } from '../cli/wharf-cli.ts'
import { builtImage, directoryOf, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

const tree = {
  Dockerfile: `FROM scratch
COPY --chmod=750 run /bin/run
COPY --chown=7:8 d /d/
`,
  run: '#!/bin/sh\n',
  'd/text': 'some text',
  'd/link': '->text',
}

function list(archive: string): string[] {
  return execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }).trim().split('\n')
}

test('--output of a directory holds the files, and no image is stored', async () => {
  const images = await daemon.ok('images', '-aq')
  const dest = join(scratchDirectory('out'), 'new', 'folder')
  const built = await wharfBuild(daemon, tree, ['-o', dest])
  assert.equal(built.exitCode, 0, built.stderr)
  assert.equal(readFileSync(join(dest, 'd/link'), 'utf8'), 'some text')
  assert.equal(lstatSync(join(dest, 'd/link')).isSymbolicLink(), true)
  assert.equal(lstatSync(join(dest, 'bin/run')).mode & 0o777, 0o750)
  assert.equal(await daemon.ok('images', '-aq'), images)
})

test('--output=type=tar is a file, or standard output with the progress elsewhere', async () => {
  const dest = join(scratchDirectory('out'), 'files.tar')
  await wharfBuild(daemon, tree, ['-o', `type=tar,dest=${dest}`])
  assert.deepEqual(list(dest), ['bin/', 'bin/run', 'd/', 'd/link', 'd/text'])
  const command = [...wharfArgv, 'build', '-o', '-', directoryOf(tree)]
  const [program, ...args] = command as [string, ...string[]]
  const piped = execFileSync(program, args, {
    env: { ...process.env, ...wharfEnv(daemon) },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  assert.deepEqual(piped, readFileSync(dest))
})

for (const form of ['oci', 'docker'] as const) {
  test(`--output=type=${form} is an archive that can be loaded, the same each time`, async () => {
    const files = { Dockerfile: `FROM busybox\nRUN echo ${form} > /form\nCMD cat /form` }
    const folder = scratchDirectory('out')
    const [one, two] = [join(folder, '1.tar'), join(folder, '2.tar')] as const
    const metadata = join(folder, 'metadata.json')
    const name = `archived:${form}`
    const built = await wharfBuild(daemon, files, [
      '-t',
      name,
      '-o',
      `type=${form},dest=${one}`,
      '--metadata-file',
      metadata,
    ])
    assert.equal(built.exitCode, 0, built.stderr)
    await wharfBuild(daemon, files, ['-t', name, '-o', `type=${form},dest=${two}`])
    assert.deepEqual(readFileSync(one), readFileSync(two))
    assert.equal(list(one).includes('manifest.json'), form === 'docker')
    await daemon.ok('load', '-i', one)
    assert.equal(await daemon.ok('run', '--rm', name), form)
    const said = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>
    assert.equal(said['containerimage.config.digest'], await daemon.ok('inspect', '-f', '{{.Id}}', name))
    assert.match(String(said['containerimage.digest']), /^sha256:[0-9a-f]{64}$/)
  })
}

test('--output=type=oci,tar=false is a directory that other tools read', async () => {
  const dest = join(scratchDirectory('out'), 'layout')
  const built = await wharfBuild(daemon, tree, [
    '-t',
    'laid:2',
    '-o',
    `type=oci,tar=false,dest=${dest},annotation.who=me`,
  ])
  assert.equal(built.exitCode, 0, built.stderr)
  const inspected = JSON.parse(
    execFileSync('skopeo', ['inspect', '--raw', `oci:${dest}:2`], { encoding: 'utf8' }),
  ) as {
    annotations: object
    layers: readonly { mediaType: string }[]
  }
  assert.deepEqual(inspected.annotations, { who: 'me' })
  assert.deepEqual(
    [...new Set(inspected.layers.map((layer) => layer.mediaType))],
    ['application/vnd.oci.image.layer.v1.tar+gzip'],
  )
})

test('--push stores the image and pushes it', async () => {
  await using server = await RegistryServer.start()
  const name = `${server.address}/pushed:v1`
  const metadata = join(scratchDirectory('out'), 'metadata.json')
  const built = await wharfBuild(daemon, tree, ['-t', name, '--push', '--metadata-file', metadata])
  assert.equal(built.exitCode, 0, built.stderr)
  assert.equal(server.manifests.has('pushed/v1'), true)
  const said = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>
  const digest = await daemon.ok('inspect', '-f', '{{index .RepoDigests 0}}', name)
  assert.equal(`${name.replace(/:v1$/, '')}@${String(said['containerimage.digest'])}`, digest)
  assert.equal(said['image.name'], name)
  const nameless = await wharfBuild(daemon, tree, ['--push'])
  assert.match(nameless.stderr, /tag is needed when pushing to registry/)
  const unreachable = await wharfBuild(daemon, tree, ['-t', '127.0.0.1:9/x', '--push'])
  assert.equal(unreachable.exitCode, 1)
})

test('several platforms make an image with an index, which is pushed whole', async () => {
  await using server = await RegistryServer.start()
  const name = `${server.address}/both:v1`
  const files = {
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY for-$TARGETARCH /f\n',
    'for-amd64': 'amd64',
    'for-arm64': 'arm64',
  }
  const built = await wharfBuild(daemon, files, [
    '-t',
    name,
    '--platform',
    'linux/amd64,linux/arm64',
    '--push',
  ])
  assert.equal(built.exitCode, 0, built.stderr)
  const pushed = server.manifests.get('both/v1')
  assert.equal(pushed?.mediaType, OCI_INDEX_TYPE)
  const { manifests } = JSON.parse(String(pushed?.content)) as {
    manifests: readonly { digest: string; platform: { architecture: string } }[]
  }
  assert.deepEqual(
    manifests.map(({ platform }) => platform.architecture),
    ['amd64', 'arm64'],
  )
  for (const { digest } of manifests) assert.equal(server.manifests.has(`both/${digest}`), true)
  assert.equal(await daemon.ok('inspect', '-f', '{{.Architecture}}', name), 'amd64')
  const dest = scratchDirectory('out')
  await wharfBuild(daemon, files, ['--platform', 'linux/amd64', '--platform', 'linux/arm64', '-o', dest])
  assert.equal(readFileSync(join(dest, 'linux_arm64/f'), 'utf8'), 'arm64')
  assert.equal(readFileSync(join(dest, 'linux_amd64/f'), 'utf8'), 'amd64')
})

test('a command for another platform needs a handler of binfmt_misc', async (t) => {
  if (existsSync('/proc/sys/fs/binfmt_misc/qemu-s390x')) return t.skip('this machine has one')
  const files = {
    Dockerfile: 'FROM busybox AS b\nFROM scratch\nCOPY --from=b / /\nRUN true',
  }
  const built = await wharfBuild(daemon, { ...files, Dockerfile: 'FROM scratch\nRUN ["/x"]' }, [
    '--platform',
    'linux/s390x',
  ])
  assert.equal(built.exitCode, 1)
  assert.match(built.stderr, /cannot run commands of linux\/s390x on linux\/amd64: no binfmt_misc handler/)
})

test('--squash makes one layer of the new ones', async () => {
  const files = {
    Dockerfile:
      'FROM busybox\nRUN echo 1 > /a && echo 2 > /b && mkdir /d && touch /d/x\nRUN rm /a /bin/vi; echo 3 > /b; ln /b /c\nENV X=1\nRUN rm -r /d\n',
  }
  const whole = await builtImage(daemon, files, ['-t', 'whole'])
  const id = await builtImage(daemon, files, ['-t', 'squashed', '--squash'])
  assert.notEqual(id, whole)
  const layers = async (name: string): Promise<number> =>
    (JSON.parse(await daemon.ok('inspect', '-f', '{{json .RootFS.Layers}}', name)) as unknown[]).length
  assert.equal(await layers('squashed'), (await layers('busybox')) + 1)
  const look = [
    'sh',
    '-c',
    'find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -print | sort; cat /b /c; echo $X',
  ]
  assert.equal(
    await daemon.ok('run', '--rm', '--network=none', 'squashed', ...look),
    await daemon.ok('run', '--rm', '--network=none', 'whole', ...look),
  )
})

const wrong: readonly (readonly [args: readonly string[], error: RegExp])[] = [
  [['-o', 'type=zip,dest=x'], /exporter "zip" could not be found/],
  [['-o', 'type=local'], /dest is required for local exporter/],
  [['-o', 'dest=x'], /type is required for output/],
  [['-o', 'type=image,colour=red'], /unknown attribute "colour" of output type=image/],
  [['-o', 'type=oci,dest=/tmp/x,compression=estargz'], /unsupported layer compression type estargz/],
  [
    ['--platform', 'linux/amd64,linux/arm64', '-o', 'type=docker,dest=/tmp/x'],
    /does not currently support exporting manifest lists/,
  ],
]
for (const [args, error] of wrong) {
  test(`wharf build ${args.join(' ')} is refused`, async () => {
    const built = await wharf(daemon, [
      'build',
      ...args,
      directoryOf({ Dockerfile: 'FROM scratch\nLABEL a=b' }),
    ])
    assert.notEqual(built.exitCode, 0)
    assert.match(built.stderr, error)
  })
}
