import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { run } from '../../support/engine.ts'
import { made } from '../../support/peers.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'

/** Writes down what it is called with, then is crun. */
function wrapper(directory: string): { readonly path: string; readonly calls: () => string } {
  mkdirSync(directory, { recursive: true })
  const path = `${directory}/wrapper`
  const log = `${directory}/calls`
  writeFileSync(
    path,
    `#!/bin/sh
echo "$*" >> ${log}
[ "$1" = --mine ] && shift
[ "$1" = value ] && shift
exec crun "$@"
`,
  )
  chmodSync(path, 0o755)
  return { path, calls: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

describe('OCI runtimes', () => {
  const own = wrapper(scratchDirectory('runtime'))
  let wharfd: Wharfd
  before(async () => {
    const runtimes = {
      own: { path: own.path, runtimeArgs: ['--mine', 'value'] },
      shim: { runtimeType: 'io.containerd.runc.v2', options: { BinaryName: own.path } },
    }
    wharfd = await Wharfd.startWithBusybox({ config: { runtimes } })
  })
  after(async () => {
    await wharfd.stop()
    await run(['rm', '-rf', own.path.replace(/\/wrapper$/, '')])
  })

  test('one of daemon.json is called with its arguments, for all that it is called for', async () => {
    assert.equal(await wharfd.ok('run', '--rm', '--runtime', 'own', 'busybox', 'echo', 'text'), 'text')
    assert.match(own.calls(), /^--mine value .*--root=\S+ create /m)
    assert.match(own.calls(), /^--mine value .*--root=\S+ start /m)
    await wharfd.ok('run', '-d', '--name', 'owned', '--runtime', 'own', 'busybox', 'sleep', '1000')
    assert.equal(await wharfd.ok('inspect', '-f', '{{.HostConfig.Runtime}}', 'owned'), 'own')
    assert.equal(await wharfd.ok('exec', 'owned', 'echo', 'more'), 'more')
    assert.match(own.calls(), /^--mine value .*--root=\S+ exec /m)
    await wharfd.ok('pause', 'owned')
    await wharfd.ok('unpause', 'owned')
    await wharfd.ok('rm', '-f', 'owned')
  })

  test("a containerd shim's options name the program", async () => {
    assert.equal(await wharfd.ok('run', '--rm', '--runtime', 'shim', 'busybox', 'echo', 'text'), 'text')
    assert.match(own.calls(), /^--root=\S+ create /m)
  })

  test('info lists them, an unknown one is refused', async () => {
    const { Runtimes, DefaultRuntime } = await wharfd.call('GET', '/info')
    assert.deepEqual(Runtimes.own.runtimeArgs, ['--mine', 'value'])
    assert.equal(Runtimes.runc !== undefined && Runtimes.crun !== undefined, true)
    assert.equal(DefaultRuntime, 'crun')
    assert.match(
      (await wharfd.docker('run', '--rm', '--runtime', 'nosuch', 'busybox')).stderr,
      /unknown or invalid runtime name: nosuch/,
    )
  })

  test('every runtime runs a container, with a terminal and without', async () => {
    for (const runtime of ['crun', 'runc', 'own']) {
      assert.equal(await wharfd.ok('run', '--rm', '--runtime', runtime, 'busybox', 'echo', runtime), runtime)
      assert.equal(
        (await wharfd.ok('run', '--rm', '-t', '--runtime', runtime, 'busybox', 'tty')).trim(),
        '/dev/pts/0',
      )
      const failed = await wharfd.docker('run', '--rm', '--runtime', runtime, 'busybox', '/nosuch')
      assert.equal(failed.exitCode, 127, runtime)
    }
  })

  // Debian 12's runtimes have no time namespaces; those of today do.
  const { path: sid, missing } = made('sid')
  const skip = missing === false && existsSync('/proc/self/ns/time') ? false : 'no runtime or kernel for it'
  test('clocks are in a namespace of their own, where the runtime has them', { skip }, async () => {
    const newer = newerCrun(sid, own.path.replace(/\/wrapper$/, ''))
    const runtimes = { newer: { path: newer } }
    await wharfd.terminate()
    await wharfd.restart({ config: { runtimes } })
    const host = readlinkSync('/proc/self/ns/time')
    const inside = async (...flags: string[]): Promise<string> =>
      await wharfd.ok('run', '--rm', ...flags, 'busybox', 'readlink', '/proc/self/ns/time')
    assert.match(await inside('--runtime', 'newer'), /^time:\[\d+\]$/)
    assert.notEqual(await inside('--runtime', 'newer'), host)
    await wharfd.ok('run', '-d', '--name', 'clock', '--runtime', 'newer', 'busybox', 'sleep', '1000')
    assert.notEqual(await wharfd.ok('exec', 'clock', 'readlink', '/proc/self/ns/time'), host)
    // A runtime that does not know them is not asked for them.
    const { stdout } = await run(['runc', 'features'])
    if (!stdout.includes('"time"')) assert.equal(await inside('--runtime', 'runc'), host)
    await wharfd.terminate()
    await wharfd.restart({ config: { runtimes, features: { 'time-namespaces': false } } })
    assert.equal(await inside('--runtime', 'newer'), host)
  })
})

/** The crun of the sid root, with its own libraries. */
function newerCrun(sid: string, directory: string): string {
  const path = `${directory}/newer`
  const libraries = `${sid}/usr/lib/x86_64-linux-gnu`
  writeFileSync(
    path,
    `#!/bin/sh\nexec ${libraries}/ld-linux-x86-64.so.2 --library-path ${libraries} ${sid}/usr/bin/crun "$@"\n`,
  )
  chmodSync(path, 0o755)
  return path
}
