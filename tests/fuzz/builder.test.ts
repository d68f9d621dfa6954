/** What clients, images and files of others can send the builder: each reader gives a result or an error of its own. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { readApkInstalled } from '#builder/attest/apk.ts'
import { parseAttestations } from '#builder/attest/attestations.ts'
import { readDpkgStatus } from '#builder/attest/dpkg.ts'
import { readNpmLock } from '#builder/attest/npm.ts'
import { recordsOf } from '#builder/cache/cache-image.ts'
import { parseCacheSources, parseCacheTargets } from '#builder/cache/cache-places.ts'
import { readCachePolicies } from '#builder/cache/gc-policy.ts'
import { parseOutputs } from '#builder/export/outputs.ts'
import { parseRunMount } from '#builder/ops/run-mounts.ts'
import { ClientSession } from '#builder/session/client-session.ts'
import { Scope } from '#builder/variables.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

const ROUNDS = 3000
const SEED = Number(process.env['WHARF_FUZZ_SEED'] ?? Date.now() % 1_000_000)

/** Numbers that are the same in every run with one seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) % below
  }
}

const WORDS: readonly string[] = [
  ...[
    'type=',
    'secret',
    'cache',
    'bind',
    'ssh',
    'tmpfs',
    'id=',
    'target=',
    '/a',
    '../..',
    'mode=',
    '0777',
    'uid=',
  ],
  ...[
    '-1',
    '9'.repeat(30),
    ',',
    ',,',
    '=',
    '"',
    "'",
    '$',
    '${',
    '${a',
    '\n',
    '\n\n',
    '\0',
    ' ',
    'ref=',
    'a/b:c',
  ],
  ...[
    'local',
    'registry',
    'inline',
    'dest=',
    'push=',
    'true',
    'maybe',
    'annotation.',
    'compression=',
    'gzip',
  ],
  ...[
    'Package: x',
    'Version: 1:2',
    'P:',
    'V:1',
    'Status: install ok installed',
    '%',
    '\u{1f600}',
    '__proto__',
  ],
]
const ODD: readonly unknown[] = [
  null,
  0,
  -1,
  1e300,
  '',
  'x',
  [],
  {},
  true,
  [null],
  '__proto__',
  { toString: null },
]

function textOf(random: (below: number) => number): string {
  return Array.from({ length: random(14) }, () => WORDS[random(WORDS.length)]).join('')
}

function valueOf(random: (below: number) => number, depth = 0): unknown {
  if (depth > 3 || random(3) === 0) return random(2) === 0 ? ODD[random(ODD.length)] : textOf(random)
  if (random(2) === 0) return Array.from({ length: random(4) }, () => valueOf(random, depth + 1))
  const names = [
    'gc',
    'policy',
    'filter',
    'keepStorage',
    'enabled',
    'packages',
    'dependencies',
    'version',
    'Type',
    'Attrs',
  ]
  return Object.fromEntries(
    Array.from({ length: random(5) }, () => [names[random(names.length)], valueOf(random, depth + 1)]),
  )
}

const scope = new Scope(new Map([['a', 'b']]), '\\')
const DIFF = `sha256:${'1'.repeat(64)}`
const at = { source: '/s', distribution: 'd' }
const readers: readonly (readonly [name: string, read: (random: (below: number) => number) => unknown])[] = [
  ['a mount of RUN', (random) => parseRunMount(textOf(random), { scope, workdir: '/w' })],
  [
    'outputs',
    (random) => parseOutputs([valueOf(random), { Type: textOf(random), Attrs: valueOf(random) }], []),
  ],
  ['--cache-from', (random) => parseCacheSources([textOf(random)])],
  ['--cache-to', (random) => parseCacheTargets([textOf(random)])],
  ['attestations', (random) => parseAttestations({ sbom: textOf(random), [textOf(random)]: '' })],
  ['policies', (random) => readCachePolicies(valueOf(random), 1e9)],
  [
    'records in a configuration',
    (random) =>
      recordsOf(
        Buffer.from(
          JSON.stringify({
            rootfs: { type: 'layers', diff_ids: [DIFF] },
            'wharf.buildcache.v1': [
              valueOf(random),
              { key: textOf(random), layer: DIFF, sizeBytes: random(9) - 1 },
            ],
          }),
        ),
      ),
  ],
  ['dpkg', (random) => readDpkgStatus(textOf(random), at)],
  ['apk', (random) => readApkInstalled(textOf(random), at)],
  ['npm', (random) => readNpmLock(random(2) === 0 ? textOf(random) : JSON.stringify(valueOf(random)), '/l')],
]
for (const [name, read] of readers) {
  test(`${name}: a result or InvalidArgumentError (seed ${SEED})`, () => {
    const random = randomOf(SEED)
    for (let round = 0; round < ROUNDS; round += 1) {
      try {
        read(random)
      } catch (error) {
        if (!(error instanceof InvalidArgumentError))
          assert.fail(`round ${round}: ${String((error as Error).stack)}`)
      }
    }
  })
}

test(`records name only layers that the image has (seed ${SEED})`, () => {
  const config = {
    rootfs: { type: 'layers', diff_ids: [DIFF] },
    'wharf.buildcache.v1': ['1', '2'].map((digit) => ({
      ...{ key: 'k', sizeBytes: 1, created: '2024-01-01T00:00:00Z', description: '', type: 'regular' },
      layer: `sha256:${digit.repeat(64)}`,
    })),
  }
  const records = recordsOf(Buffer.from(JSON.stringify(config)))
  assert.deepEqual(
    records.map(({ layer }) => layer),
    [DIFF],
  )
})

test(`a session survives whatever its client says (seed ${SEED})`, async () => {
  const random = randomOf(SEED)
  for (let round = 0; round < 200; round += 1) {
    const [up, down] = [new PassThrough(), new PassThrough()]
    const say = up.write.bind(up)
    const connection = Object.assign(up, { write: down.write.bind(down) })
    const session = new ClientSession(connection)
    const served = session.serve()
    const asked = session.ask('secret', 'x', new AbortController().signal)
    asked.catch(() => undefined)
    say(`${random(2) === 0 ? textOf(random) : JSON.stringify(valueOf(random))}\n`)
    up.end()
    await served
    await assert.rejects(asked)
    assert.throws(() => session.answer(textOf(random)), /no such call/)
  }
})
