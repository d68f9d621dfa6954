import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGoDurationNs } from './go-duration.ts'

const cases: readonly [string, number | null][] = [
  ['1h30m', 5400e9],
  ['1.5s', 1.5e9],
  ['.5ms', 5e5],
  ['-2m', -120e9],
  ['+3us', 3000],
  ['7µs', 7000],
  ['0', 0],
  ['', null],
  ['5', null],
  ['1d', null],
  ['1h 2m', null],
  ['s', null],
]

for (const [text, expected] of cases)
  test(`duration ${JSON.stringify(text)}`, () => assert.equal(parseGoDurationNs(text), expected))
