import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parseChallenges } from '#registry/challenge.ts'
import { parseImageConfig, parseIndex, parseManifest } from '#spec/oci/parse.ts'
import { canonicalString, familiarString, parseReference } from '#spec/reference.ts'
import { makeImage, makeIndex } from '../support/registry-server.ts'

/** A small generator of numbers that are the same in every run (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) % below
  }
}

const image = makeImage([Buffer.alloc(1024)], { config: { Labels: { a: 'b' }, Volumes: { '/v': {} } } })
const index = makeIndex([{ image, platform: { os: 'linux', architecture: 'amd64' } }])
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

/** A copy of a document with one value somewhere replaced, removed or doubled. */
function mutated(value: unknown, random: (below: number) => number): unknown {
  if (typeof value !== 'object' || value === null || random(4) === 0) return ODD[random(ODD.length)]
  const keys = Object.keys(value)
  const key = keys[random(Math.max(keys.length, 1))]
  if (key === undefined) return ODD[random(ODD.length)]
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  if (random(6) === 0) delete copy[key]
  else copy[key] = mutated(copy[key], random)
  return copy
}

const parsers = [
  ['parseManifest', parseManifest, image.manifest],
  ['parseIndex', parseIndex, index],
  ['parseImageConfig', parseImageConfig, image.config],
] as const
for (const [name, parse, seed] of parsers) {
  test(`${name}() reads or refuses, whatever comes`, () => {
    const random = randomOf(42)
    let refused = 0
    for (let round = 0; round < 5000; round += 1) {
      const document = mutated(JSON.parse(seed.toString('utf8')), random)
      const text = JSON.stringify(document) ?? 'undefined'
      const bytes = Buffer.from(random(10) === 0 ? text.slice(0, random(text.length + 1)) : text)
      try {
        parse(bytes)
      } catch (error) {
        refused += 1
        assert.ok(error instanceof InvalidArgumentError, `${text}: ${String(error)}`)
      }
    }
    assert.ok(refused > 500, `${refused} refused`)
  })
}

test('parseReference() reads or refuses, and what it reads it reads again', () => {
  const random = randomOf(7)
  const pieces = [
    'a',
    'b0',
    'A',
    '/',
    ':',
    '@',
    '.',
    '-',
    '_',
    '__',
    'localhost',
    ':5000',
    '[::1]',
    'sha256:',
    'ab'.repeat(32),
    'é',
    '\0',
    '..',
  ]
  let read = 0
  for (let round = 0; round < 20_000; round += 1) {
    const text = Array.from({ length: 1 + random(7) }, () => pieces[random(pieces.length)]).join('')
    try {
      const reference = parseReference(text)
      read += 1
      assert.deepEqual(parseReference(canonicalString(reference)), reference, text)
      assert.deepEqual(parseReference(familiarString(reference)), reference, text)
    } catch (error) {
      if (error instanceof InvalidArgumentError) continue
      throw error
    }
  }
  assert.ok(read > 500, `${read} read`)
})

test('parseChallenges() ends, whatever comes', () => {
  const random = randomOf(3)
  const pieces = ['Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'x', '="y"', '\t', ';']
  for (let round = 0; round < 20_000; round += 1) {
    parseChallenges(Array.from({ length: random(30) }, () => pieces[random(pieces.length)]).join(''))
  }
})
