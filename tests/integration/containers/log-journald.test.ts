import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { mount, umountAll } from '#kernel/mounts.ts'
import { run } from '../../support/engine.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

const JOURNALD = '/lib/systemd/systemd-journald'
const PLACES = ['/run/systemd', '/run/log']
const missing = existsSync(JOURNALD) ? false : 'there is no systemd-journald (package systemd)'

/** A journal of the test's own: the mount namespace is, so nobody else sees it. */
describe('log driver journald', { skip: missing }, () => {
  let wharfd: Wharfd | null = null
  let journal: ChildProcess | null = null
  const daemon = (): Wharfd => wharfd!

  const startJournal = async (): Promise<void> => {
    journal = spawn(JOURNALD, [], { stdio: 'ignore' })
    await until('the journal listens', () => existsSync('/run/systemd/journal/socket'))
  }
  const stopJournal = async (): Promise<void> => {
    const ended = new Promise((resolve) => journal?.once('exit', resolve))
    journal?.kill('SIGTERM')
    await ended
    journal = null
  }
  const entries = async (...match: readonly string[]): Promise<Record<string, unknown>[]> => {
    const { stdout } = await run([
      'journalctl',
      '-D',
      '/run/log/journal',
      '-o',
      'json',
      '--all',
      '--no-pager',
      ...match,
    ])
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  before(async () => {
    for (const place of PLACES) {
      mkdirSync(place, { recursive: true })
      mount(place, { source: 'tmpfs', fstype: 'tmpfs', flags: 0, data: 'mode=0755' })
    }
    mkdirSync('/run/systemd/journal')
    mkdirSync('/run/log/journal')
    mkdirSync('/run/systemd/journald.conf.d')
    writeFileSync(
      '/run/systemd/journald.conf.d/test.conf',
      '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitIntervalSec=0\nForwardToSyslog=no\n',
    )
    await startJournal()
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd?.stop()
    if (journal !== null) await stopJournal()
    for (const place of PLACES) umountAll(place)
  })

  test('entries have the container beside the line, and docker logs reads its own copy', async () => {
    const id = await daemon().ok(
      ...['run', '-d', '--name', 'noted', '-l', 'my.kind=x', '--log-driver', 'journald'],
      ...['--log-opt', 'labels=my.kind', '--log-opt', 'tag={{.Name}}!', 'busybox'],
      ...['sh', '-c', 'echo out; sleep 0.2; echo err >&2; printf "a\\tb\\377c\\n"'],
    )
    await until('all came', async () => (await entries(`CONTAINER_ID_FULL=${id}`)).length === 3)
    const noted = await entries(`CONTAINER_ID_FULL=${id}`)
    const first = noted.find(({ MESSAGE }) => MESSAGE === 'out')
    const facts = [
      'MESSAGE',
      'PRIORITY',
      'CONTAINER_NAME',
      'CONTAINER_TAG',
      'SYSLOG_IDENTIFIER',
      'IMAGE_NAME',
      'MY_KIND',
    ]
    assert.deepEqual(
      facts.map((name) => first?.[name]),
      ['out', '6', 'noted', 'noted!', 'noted!', 'busybox', 'x'],
    )
    assert.equal(first?.['CONTAINER_ID'], id.slice(0, 12))
    assert.equal(noted.find(({ PRIORITY }) => PRIORITY === '3')?.['MESSAGE'], 'err')
    const bytes = noted.find(({ MESSAGE }) => Array.isArray(MESSAGE))?.['MESSAGE']
    assert.deepEqual(bytes, [...Buffer.from('a\tb\xffc', 'latin1')])
    assert.match(await daemon().ok('logs', 'noted'), /^out\n/)
    await daemon().ok('rm', '-f', 'noted')
  })

  test('long lines come in parts that say so; an entry larger than a datagram usually is comes too', async () => {
    const long = 'v'.repeat(100_000)
    const env = ['LONG1', 'LONG2', 'LONG3'].flatMap((name) => ['-e', `${name}=${long}`])
    const id = await daemon().ok(
      ...['run', '-d', '--name', 'noted', ...env, '--log-driver', 'journald', '--log-opt', 'env-regex=^LONG'],
      ...['busybox', 'sh', '-c', 'head -c 50000 /dev/zero | tr "\\0" x; echo'],
    )
    const parts = async (): Promise<Record<string, unknown>[]> => await entries(`CONTAINER_ID_FULL=${id}`)
    const text = (of: readonly Record<string, unknown>[]): string =>
      of.map(({ MESSAGE }) => String(MESSAGE)).join('')
    await until('all came', async () => text(await parts()).length === 50_000)
    const found = await parts()
    assert.ok(found.length > 1)
    assert.ok(found.slice(0, -1).every((entry) => entry['CONTAINER_PARTIAL_MESSAGE'] === 'true'))
    assert.equal(found.at(-1)?.['CONTAINER_PARTIAL_MESSAGE'], undefined)
    assert.equal(found[0]?.['LONG3'], long)
    await daemon().ok('rm', '-f', 'noted')
  })

  test('what was written while the journal was down comes when it is back', async () => {
    const script = 'i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $i; sleep 0.1; done'
    const id = await daemon().ok(
      ...['run', '-d', '--name', 'noted', '--log-driver', 'journald', 'busybox', 'sh', '-c', script],
    )
    const numbers = async (): Promise<number[]> =>
      (await entries(`CONTAINER_ID_FULL=${id}`)).map(({ MESSAGE }) => Number(MESSAGE))
    await until('it began', async () => (await numbers()).length > 2)
    await stopJournal()
    await daemon().crash()
    assert.equal(await daemon().ok('wait', 'noted'), '0')
    await startJournal()
    await until('the last came', async () => (await numbers()).includes(40))
    assert.deepEqual(
      [...new Set(await numbers())],
      Array.from({ length: 40 }, (_, n) => n + 1),
    )
    await daemon().ok('rm', '-f', 'noted')
  })

  test('many lines come once each, though the journal is slower than the container', async () => {
    const id = await daemon().ok(
      ...['run', '-d', '--name', 'noted', '--log-driver', 'journald', 'busybox', 'seq', '5000'],
    )
    const count = async (): Promise<number> => (await entries(`CONTAINER_ID_FULL=${id}`)).length
    await until('all came', async () => (await count()) >= 5_000, { everyMs: 300 })
    assert.equal(await count(), 5_000)
    await daemon().ok('rm', '-f', 'noted')
  })

  test('a machine without a journal is told at the start of a container', async () => {
    await stopJournal()
    umountAll('/run/systemd')
    if (existsSync('/run/systemd/journal/socket')) return
    const { stderr } = await daemon().docker('run', '--rm', '--log-driver', 'journald', 'busybox', 'true')
    assert.match(stderr, /failed to initialize logging driver: journald is not enabled on this host/)
  })
})
