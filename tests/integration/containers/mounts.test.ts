import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Wharfd } from '../../support/wharfd.ts'

describe('mounts of containers', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd.stop()
  })

  const run = async (...args: string[]): Promise<string> => await wharfd.ok('run', '--rm', ...args)

  test('a bind shows the host directory, read-only when asked; -v makes the source, --mount does not', async () => {
    const source = `${wharfd.root}/bind/source`
    const result = await run('-v', `${source}:/b`, 'busybox', 'sh', '-c', 'echo text > /b/file; cat /b/file')
    assert.equal(result, 'text')
    assert.equal(readFileSync(`${source}/file`, 'utf8'), 'text\n')
    const refused = await wharfd.docker(
      'run',
      '--rm',
      '-v',
      `${source}:/b:ro`,
      'busybox',
      'touch',
      '/b/other',
    )
    assert.match(refused.stderr, /Read-only file system/)
    const missing = await wharfd.docker(
      'run',
      '--rm',
      '--mount',
      'type=bind,src=/not/there,dst=/b',
      'busybox',
      'true',
    )
    assert.match(missing.stderr, /bind source path does not exist: \/not\/there/)
  })

  test('a read-only bind is read-only in what is mounted below it, too', async () => {
    const source = `${wharfd.root}/recursive`
    mkdirSync(`${source}/below`, { recursive: true })
    await wharfd
      .ok(
        'run',
        '-d',
        '--name',
        'holder',
        '--privileged',
        '-v',
        `${source}:/s:rshared`,
        'busybox',
        'sleep',
        '1000',
      )
      .catch(() => {})
    await wharfd.docker('rm', '-f', 'holder')
    const text = await run(
      '--mount',
      `type=bind,src=${source},dst=/s,ro`,
      'busybox',
      'sh',
      '-c',
      'touch /s/below/x || echo refused',
    )
    assert.match(text, /refused/)
  })

  test('a named volume keeps its files, an anonymous one goes with --rm', async () => {
    await run('-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo 1 > /data/x')
    assert.equal(await run('-v', 'kept:/data', 'busybox', 'cat', '/data/x'), '1')
    const before = await wharfd.ok('volume', 'ls', '-q')
    await run('-v', '/anonymous', 'busybox', 'true')
    assert.equal(await wharfd.ok('volume', 'ls', '-q'), before)
  })

  test('an empty volume is filled with what the image has there, owner and mode included', async () => {
    await wharfd.ok(
      'run',
      '--name',
      'made',
      'busybox',
      'sh',
      '-c',
      'mkdir -m 2750 /d && echo x > /d/f && chown -R 12:34 /d',
    )
    await wharfd.ok('commit', 'made', 'with-directory')
    await wharfd.ok('rm', 'made')
    assert.equal(
      await run('-v', 'filled:/d', 'with-directory', 'stat', '-c', '%u:%g %a %n', '/d', '/d/f'),
      '12:34 2750 /d\n12:34 644 /d/f',
    )
    assert.equal(await run('-v', 'unfilled:/d:nocopy', 'with-directory', 'ls', '/d'), '')
  })

  test('a part of a volume is mounted by volume-subpath, and never more than the volume', async () => {
    await run(
      '-v',
      'parts:/p',
      'busybox',
      'sh',
      '-c',
      'mkdir -p /p/a/b; echo deep > /p/a/b/f; ln -s /etc /p/out',
    )
    const mount = (subpath: string): string => `type=volume,src=parts,dst=/m,volume-subpath=${subpath}`
    assert.equal(await run('--mount', mount('a/b'), 'busybox', 'cat', '/m/f'), 'deep')
    const outside = await wharfd.docker('run', '--rm', '--mount', mount('out'), 'busybox', 'cat', '/m/passwd')
    assert.notEqual(outside.exitCode, 0)
    const upwards = await wharfd.docker('run', '--rm', '--mount', mount('../..'), 'busybox', 'true')
    assert.match(upwards.stderr, /subpath must be a relative path within the volume/)
  })

  test('tmpfs takes its options, from --tmpfs and from --mount', async () => {
    const line = await run('--tmpfs', '/t:size=1m,mode=1770,exec', 'busybox', 'grep', ' /t ', '/proc/mounts')
    assert.match(line, /tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=1770/)
    const other = await run(
      '--mount',
      'type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=700',
      'busybox',
      'grep',
      ' /t ',
      '/proc/mounts',
    )
    assert.match(other, /noexec.*size=2048k,mode=700/)
  })

  test('volumes-from gives the mounts of another container, read-only when asked', async () => {
    await wharfd.ok('create', '--name', 'donor', '-v', 'donated:/given', 'busybox')
    await run('--volumes-from', 'donor', 'busybox', 'sh', '-c', 'echo g > /given/x')
    assert.equal(await run('--volumes-from', 'donor:ro', 'busybox', 'cat', '/given/x'), 'g')
    assert.match(
      (await wharfd.docker('run', '--rm', '--volumes-from', 'donor:ro', 'busybox', 'touch', '/given/y'))
        .stderr,
      /Read-only/,
    )
    await wharfd.ok('rm', 'donor')
  })

  test('read-only holds for what is mounted below, unless the user says otherwise', async () => {
    const source = `${wharfd.root}/nested`
    mkdirSync(`${source}/below`, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${source}/below`])
    const write = async (options: string): Promise<number> => {
      const mount = `type=bind,src=${source},dst=/n,${options}`
      return (await wharfd.docker('run', '--rm', '--mount', mount, 'busybox', 'touch', '/n/below/x')).exitCode
    }
    assert.equal(await write('readonly'), 1)
    assert.equal(await write('readonly,bind-recursive=writable'), 0)
    assert.equal(await write('readonly,bind-propagation=rprivate,bind-recursive=readonly'), 1)
    const alone = `type=bind,src=${source},dst=/n,bind-recursive=disabled`
    assert.doesNotMatch(await run('--mount', alone, 'busybox', 'cat', '/proc/mounts'), / \/n\/below /)
    execFileSync('umount', [`${source}/below`])
  })

  test('an image is mounted read-only, and let go of with the container', async () => {
    assert.match(await run('--mount', 'type=image,src=busybox,dst=/img', 'busybox', 'ls', '/img'), /^bin$/m)
    const refused = await wharfd.docker(
      'run',
      '--rm',
      '--mount',
      'type=image,src=busybox,dst=/img',
      'busybox',
      'touch',
      '/img/x',
    )
    assert.match(refused.stderr, /Read-only/)
  })

  test('cp goes both ways, into running and stopped containers', async () => {
    const file = `${wharfd.root}/to-copy`
    writeFileSync(file, 'copied\n', { mode: 0o640 })
    await wharfd.ok('create', '--name', 'copies', 'busybox', 'sleep', '1000')
    await wharfd.ok('cp', file, 'copies:/stopped')
    await wharfd.ok('start', 'copies')
    await wharfd.ok('cp', file, 'copies:/running')
    assert.equal(await wharfd.ok('exec', 'copies', 'cat', '/stopped', '/running'), 'copied\ncopied')
    await wharfd.ok('cp', 'copies:/running', `${wharfd.root}/back`)
    assert.equal(readFileSync(`${wharfd.root}/back`, 'utf8'), 'copied\n')
    assert.equal(statSync(`${wharfd.root}/back`).mode & 0o777, 0o640)
    assert.match(await wharfd.ok('diff', 'copies'), /^A \/running$/m)
    await wharfd.ok('rm', '-f', 'copies')
  })
})
