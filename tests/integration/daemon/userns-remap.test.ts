import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { Wharfd } from '../../support/wharfd.ts'

const USER = 'wharfremap'
const FIRST = 1_700_000
const files = ['/etc/passwd', '/etc/group', '/etc/subuid', '/etc/subgid'] as const

/** The user of the test, in copies of the host's files: this process and the daemon have a mount namespace of their own. */
async function addUser(): Promise<void> {
  mkdirSync('/tmp/wharf-remap-etc', { recursive: true })
  const lines = [`${USER}:x:999990:999990::/:/bin/false\n`, `${USER}:x:999990:\n`]
  for (const [index, file] of files.entries()) {
    const copy = `/tmp/wharf-remap-etc/${file.slice(5)}`
    writeFileSync(copy, readFileSync(file, 'utf8') + (lines[index] ?? `${USER}:${FIRST}:65536\n`))
    await run(['mount', '--bind', copy, file])
  }
}

async function removeUser(): Promise<void> {
  for (const file of files) await run(['umount', file])
  await run(['rm', '-rf', '/tmp/wharf-remap-etc'])
}

for (const driver of ['erofs', 'overlay2', 'vfs']) {
  describe(`userns-remap with ${driver}`, () => {
    let wharfd: Wharfd
    before(async () => {
      await addUser()
      wharfd = await Wharfd.startWithBusybox({
        config: { 'userns-remap': USER, 'storage-driver': driver },
      })
    })
    after(async () => {
      await wharfd.stop()
      await removeUser()
    })

    test('root of a container is another user, in a data root of its own', async () => {
      assert.equal(await wharfd.ok('info', '-f', '{{.Driver}}'), driver)
      assert.match(await wharfd.ok('info', '-f', '{{.SecurityOptions}}'), /name=userns/)
      assert.deepEqual(readdirSync(`${wharfd.root}/data`), [`${FIRST}.${FIRST}`])
      await wharfd.ok('run', '-d', '--name', 'root', 'busybox', 'sleep', '1000')
      const pid = await wharfd.ok('inspect', '-f', '{{.State.Pid}}', 'root')
      assert.equal(statSync(`/proc/${pid}`).uid, FIRST)
      assert.match(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), new RegExp(`^ +0 +${FIRST} +65536$`, 'm'))
      assert.equal(
        await wharfd.ok('exec', 'root', 'stat', '-c', '%u:%g', '/', '/bin/sh', '/etc/hosts'),
        '0:0\n0:0\n0:0',
      )
      assert.equal(
        await wharfd.ok('exec', '-u', '1000', 'root', 'sh', '-c', 'id -u; echo text > /dev/stdout'),
        '1000\ntext',
      )
      assert.deepEqual([statSync('/dev/null').uid, statSync('/dev/null').mode & 0o777], [0, 0o666])
    })

    test('files keep their owners through builds, copies, commits, volumes and archives', async () => {
      const context = `${wharfd.root}/context`
      mkdirSync(context)
      writeFileSync(`${context}/file`, 'text')
      chmodSync(`${context}/file`, 0o640)
      writeFileSync(
        `${context}/Dockerfile`,
        `FROM busybox
RUN mkdir -p /data && echo 1 > /data/x && chown 1000:1001 /data/x
COPY --chown=7:8 file /data/file
RUN --mount=type=cache,target=/cache touch /cache/x && test "$(stat -c %u:%g /data/file)" = 7:8
`,
      )
      await wharfd.ok('build', '-q', '-t', 'owners', context)
      await wharfd.ok('run', '-d', '--name', 'owners', '-v', 'owned:/data', 'owners', 'sleep', '1000')
      const stat = async (...paths: string[]): Promise<string> =>
        await wharfd.ok('exec', 'owners', 'stat', '-c', '%u:%g', ...paths)
      assert.equal(await stat('/data', '/data/x', '/data/file'), '0:0\n1000:1001\n7:8')
      const volume = await wharfd.ok('volume', 'inspect', '-f', '{{.Mountpoint}}', 'owned')
      assert.equal(statSync(`${volume}/x`).uid, FIRST + 1000)
      assert.equal(statSync(volume).uid, FIRST)
      await wharfd.ok('cp', `${context}/file`, 'owners:/copied')
      await wharfd.ok('exec', 'owners', 'sh', '-c', 'mkdir /made; chown 5:6 /made; rm /etc/group')
      assert.equal(await stat('/copied', '/made'), '0:0\n5:6')
      assert.equal(await wharfd.ok('diff', 'owners'), 'A /copied\nC /etc\nD /etc/group\nA /made')
      // Fields of the tar's first header: uid, gid (tar(5)).
      const tar = (await wharfd.docker('cp', 'owners:/made', '-')).stdout
      assert.deepEqual([tar.slice(108, 115), tar.slice(116, 123)], ['0000005', '0000006'])
      await wharfd.ok('commit', 'owners', 'committed')
      for (const mode of [[], ['--userns', 'host']])
        assert.equal(
          await wharfd.ok(
            'run',
            '--rm',
            ...mode,
            'committed',
            'stat',
            '-c',
            '%u:%g',
            '/',
            '/made',
            '/copied',
            '/bin',
          ),
          '0:0\n5:6\n0:0\n0:0',
        )
    })

    // The rest has nothing to do with how layers are kept.
    if (driver !== 'erofs') return

    test('its network is its own to configure, and may be shared', async () => {
      await wharfd.ok(
        'run',
        '--rm',
        '--cap-add',
        'NET_ADMIN',
        'busybox',
        'ip',
        'link',
        'set',
        'lo',
        'mtu',
        '1400',
      )
      await wharfd.ok('run', '-d', '--name', 'peer', '--ipc', 'shareable', 'busybox', 'sleep', '1000')
      const namespace = async (...args: string[]): Promise<string> =>
        await wharfd.ok('run', '--rm', ...args, 'busybox', 'readlink', '/proc/self/ns/user')
      const peer = await wharfd.ok('exec', 'peer', 'readlink', '/proc/self/ns/user')
      for (const kind of ['network', 'ipc', 'pid'])
        assert.equal(await namespace(`--${kind}`, 'container:peer'), peer, kind)
      assert.notEqual(await namespace(), peer)
    })

    test('--userns=host has the ids of the host, privileged and host namespaces need it', async () => {
      const map = await wharfd.ok(
        'run',
        '--rm',
        '--userns',
        'host',
        '--privileged',
        'busybox',
        'cat',
        '/proc/self/uid_map',
      )
      assert.match(map, /^ +0 +0 +4294967295$/)
      const refusals: readonly (readonly [string[], RegExp])[] = [
        [
          ['--privileged'],
          /privileged mode is incompatible with user namespaces\. {2}You must run the container in the host namespace when running privileged mode/,
        ],
        [['--network', 'host'], /cannot share the host's network namespace when user namespaces are enabled/],
        [['--pid', 'host'], /cannot share the host PID namespace when user namespaces are enabled/],
      ]
      for (const [flags, message] of refusals)
        assert.match((await wharfd.docker('create', ...flags, 'busybox')).stderr, message)
    })

    test('containers go on through a crash of the daemon and start again', async () => {
      await wharfd.ok('run', '-d', '--name', 'lives', '-v', 'lives:/v', 'busybox', 'sleep', '1000')
      await wharfd.crash()
      await wharfd.ok('exec', 'lives', 'touch', '/v/x', '/y')
      await wharfd.ok('restart', '-t', '0', 'lives')
      assert.equal(await wharfd.ok('exec', 'lives', 'stat', '-c', '%u', '/v/x', '/y'), '0\n0')
    })
  })
}

describe('userns-remap=default', () => {
  const layer = '/tmp/wharf-remap-default'
  before(async () => {
    for (const name of ['upper', 'work']) mkdirSync(`${layer}/${name}`, { recursive: true })
    const options = `lowerdir=/etc,upperdir=${layer}/upper,workdir=${layer}/work`
    // Without it the machine's own files would be written to.
    const { exitCode, stderr } = await run(['mount', '-t', 'overlay', 'overlay', '-o', options, '/etc'])
    assert.equal(exitCode, 0, stderr)
  })
  after(async () => {
    await run(['umount', '/etc'])
    await run(['rm', '-rf', layer])
  })

  test('makes the user dockremap with ids of its own, once', async () => {
    const wharfd = await Wharfd.startWithBusybox({ config: { 'userns-remap': 'default' } })
    try {
      const [, first = ''] = /^dockremap:(\d+):65536$/m.exec(readFileSync('/etc/subuid', 'utf8')) ?? []
      assert.match(readFileSync('/etc/passwd', 'utf8'), /^dockremap:/m)
      const map = await wharfd.ok('run', '--rm', 'busybox', 'cat', '/proc/self/uid_map')
      assert.match(map, new RegExp(`^ +0 +${first} +65536$`))
      const before = readFileSync('/etc/subuid', 'utf8')
      await wharfd.crash()
      assert.equal(readFileSync('/etc/subuid', 'utf8'), before)
    } finally {
      await wharfd.stop()
    }
  })
})
