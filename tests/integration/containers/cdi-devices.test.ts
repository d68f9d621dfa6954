import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { scratchDirectory } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'

/** What a vendor's file says of two devices of one kind (CNCF tag-container-device-interface, SPEC.md 0.6). */
const description = (directory: string): object => ({
  cdiVersion: '0.6.0',
  kind: 'vendor.example/thing',
  containerEdits: { env: ['KIND=thing'] },
  devices: [
    {
      name: 'one',
      containerEdits: {
        env: ['WHICH=one'],
        deviceNodes: [{ path: '/dev/thing', hostPath: '/dev/zero', permissions: 'rw' }],
        mounts: [
          { hostPath: `${directory}/library`, containerPath: '/opt/library', options: ['ro', 'bind'] },
        ],
      },
    },
    { name: 'two', containerEdits: { env: ['OTHER=two'], additionalGids: [4242] } },
  ],
})

describe('devices described by CDI files', () => {
  const directory = scratchDirectory('cdi')
  let wharfd: Wharfd
  before(async () => {
    mkdirSync(`${directory}/library`, { recursive: true })
    mkdirSync(`${directory}/specs`)
    writeFileSync(`${directory}/library/file`, 'text')
    writeFileSync(`${directory}/specs/thing.json`, JSON.stringify(description(directory)))
    wharfd = await Wharfd.startWithBusybox({ config: { 'cdi-spec-dirs': [`${directory}/specs`] } })
  })
  after(async () => {
    await wharfd.stop()
  })

  const inside = async (devices: readonly string[], script: string): Promise<string> =>
    await wharfd.ok(
      'run',
      '--rm',
      ...devices.flatMap((device) => ['--device', `vendor.example/thing=${device}`]),
      'busybox',
      'sh',
      '-c',
      script,
    )

  test('a device brings its node, its files and its variables', async () => {
    const text = await inside(
      ['one'],
      'stat -c %t:%T /dev/thing; head -c 3 /dev/thing | wc -c; cat /opt/library/file; echo; echo $KIND $WHICH; touch /opt/library/x || echo refused',
    )
    assert.match(text, /^1:5\n3\ntext\nthing one\n(.*\n)?refused$/)
  })

  test('two devices of a kind are joined, its own part is there once', async () => {
    assert.equal(await inside(['one', 'two'], 'echo $KIND $WHICH $OTHER; id -G'), 'thing one two\n0 4242')
  })

  test('one that nobody describes is refused by name', async () => {
    const { exitCode, stderr } = await wharfd.docker(
      'run',
      '--rm',
      '--device',
      'vendor.example/thing=three',
      'busybox',
      'true',
    )
    assert.match(stderr, /unresolvable CDI devices vendor\.example\/thing=three/)
    assert.notEqual(exitCode, 0)
  })

  test('info tells where descriptions are looked for', async () => {
    assert.deepEqual((await wharfd.call('GET', '/info')).CDISpecDirs, [`${directory}/specs`])
  })
})
