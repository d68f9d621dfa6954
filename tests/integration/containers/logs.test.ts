import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('logs of containers', () => {
  let wharfd: Wharfd
  before(async () => {
    wharfd = await Wharfd.startWithBusybox()
  })
  after(async () => {
    await wharfd.stop()
  })

  const finished = async (name: string, ...args: string[]): Promise<void> => {
    await wharfd.ok('run', '-d', '--name', name, ...args)
    await wharfd.ok('wait', name)
  }

  test('stdout and stderr are told apart, tail and timestamps work', async () => {
    await finished('streams', 'busybox', 'sh', '-c', 'echo one; echo two >&2; echo three')
    await finished('lines', 'busybox', 'seq', '3')
    const both = await wharfd.docker('logs', 'streams')
    assert.deepEqual([both.stdout, both.stderr], ['one\nthree\n', 'two\n'])
    assert.equal((await wharfd.docker('logs', '--tail', '1', 'lines')).stdout, '3\n')
    assert.match(
      (await wharfd.docker('logs', '-t', '--tail', '1', 'lines')).stdout,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 3\n$/,
    )
    assert.equal((await wharfd.docker('logs', '--since', '1h', 'streams')).stdout, 'one\nthree\n')
    assert.equal((await wharfd.docker('logs', '--until', '1h', 'streams')).stdout, '')
    await wharfd.ok('rm', 'streams', 'lines')
  })

  test("the file is in Docker's format, labels and variables with it", async () => {
    await finished(
      'format',
      '--label',
      'who=me',
      '-e',
      'WHERE=here',
      '--log-opt',
      'labels=who',
      '--log-opt',
      'env=WHERE',
      'busybox',
      'printf',
      'a"<\\t\\n',
    )
    const path = await wharfd.ok('inspect', '-f', '{{.LogPath}}', 'format')
    assert.equal((await wharfd.docker('logs', '--details', 'format')).stdout, 'WHERE=here,who=me a"<\t\n')
    const text = readFileSync(path, 'utf8')
    assert.match(
      text,
      /^\{"log":"a\\"\\u003c\\t\\n","stream":"stdout","attrs":\{"WHERE":"here","who":"me"\},"time":"[^"]+Z"\}\n$/,
    )
    await wharfd.ok('rm', 'format')
  })

  for (const driver of ['json-file', 'local']) {
    test(`${driver} turns its files over and reads across them`, async () => {
      const name = `turned-${driver}`
      await finished(
        name,
        '--log-driver',
        driver,
        '--log-opt',
        'max-size=20k',
        '--log-opt',
        'max-file=3',
        'busybox',
        'seq',
        '5000',
      )
      const lines = (await wharfd.ok('logs', name)).split('\n').map(Number)
      assert.equal(lines.at(-1), 5000)
      assert.ok(lines.length > 300 && lines.length < 2000, `${lines.length} lines`)
      lines.forEach((line, n) => assert.equal(line, (lines[0] ?? 0) + n))
      assert.equal(await wharfd.ok('logs', '--tail', '400', name), lines.slice(-400).join('\n'))
      await wharfd.ok('rm', name)
    })
  }

  test('compressed files are read like others', async () => {
    await finished(
      'zipped',
      '--log-opt',
      'max-size=20k',
      '--log-opt',
      'max-file=4',
      '--log-opt',
      'compress=true',
      'busybox',
      'seq',
      '900',
    )
    const lines = (await wharfd.ok('logs', 'zipped')).split('\n').map(Number)
    const directory = dirname(await wharfd.ok('inspect', '-f', '{{.LogPath}}', 'zipped'))
    assert.ok(readdirSync(directory).some((file) => file.endsWith('.gz')))
    assert.deepEqual([lines[0], lines.at(-1)], [1, 900])
    await wharfd.ok('rm', 'zipped')
  })

  test('follow goes on to the end of the container, across turned files', async () => {
    await wharfd.ok(
      'create',
      '--name',
      'followed',
      '--log-opt',
      'max-size=10k',
      '--log-opt',
      'max-file=20',
      'busybox',
      'sh',
      '-c',
      'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo $i; done; sleep 0.5; echo end',
    )
    await wharfd.ok('start', 'followed')
    const lines = (await wharfd.ok('logs', '-f', 'followed')).split('\n')
    assert.deepEqual(lines, [...Array.from({ length: 1000 }, (_, n) => String(n + 1)), 'end'])
    await wharfd.ok('rm', '-f', 'followed')
  })

  test('binary bytes and long lines come through', async () => {
    await finished(
      'odd',
      'busybox',
      'sh',
      '-c',
      "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\0b\\n'",
    )
    const { stdout } = await wharfd.docker('logs', 'odd')
    assert.equal(stdout, `${'x'.repeat(100_000)}\na\0b\n`)
    await wharfd.ok('rm', 'odd')
  })

  test('none keeps nothing, and says so', async () => {
    await finished('nothing', '--log-driver', 'none', 'busybox', 'echo', 'x')
    assert.match(
      (await wharfd.docker('logs', 'nothing')).stderr,
      /configured logging driver does not support reading/,
    )
    await wharfd.ok('rm', 'nothing')
  })

  test('who reads directly after the start sees what a quick command says first', async () => {
    const rounds = 10
    let seen = 0
    for (let round = 0; round < rounds; round += 1) {
      const name = `quick${round}`
      await wharfd.ok('create', '--name', name, 'busybox', 'sh', '-c', 'usleep 30000; echo word')
      await wharfd.api('POST', `/containers/${name}/start`)
      const { body } = await wharfd.api('GET', `/containers/${name}/logs?stdout=1`)
      if (JSON.stringify(body).includes('word')) seen += 1
      await wharfd.ok('rm', '-f', name)
    }
    // A machine that is busy may let the moment pass; without the wait it passes always.
    assert.ok(seen >= rounds / 2, `${seen} of ${rounds}`)
  })

  test('a daemon that is killed loses no line and repeats none', async () => {
    await wharfd.ok(
      'run',
      '-d',
      '--name',
      'survivor',
      'busybox',
      'sh',
      '-c',
      'i=0; while :; do i=$((i+1)); echo $i; usleep 2000; done',
    )
    for (let round = 0; round < 3; round += 1) {
      const before = (await wharfd.ok('logs', 'survivor')).split('\n').length
      await wharfd.crash()
      await until(
        'more was logged',
        async () => (await wharfd.ok('logs', 'survivor')).split('\n').length > before + 20,
      )
    }
    await wharfd.ok('kill', 'survivor')
    const lines = (await wharfd.ok('logs', 'survivor')).split('\n').map(Number)
    lines.forEach((line, n) => assert.equal(line, n + 1))
    await wharfd.ok('rm', 'survivor')
  })
})
