import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { endpointRates, parseRate, RATE_DOWN, RATE_UP } from './rates.ts'

for (const [text, bytes] of [
  ['10mbit', 1_250_000],
  ['1.5gbit', 187_500_000],
  ['512Kbit', 64_000],
  ['2mbps', 2_000_000],
] as const) {
  test(`parseRate('${text}')`, () => assert.equal(parseRate(text, 'x'), bytes))
}

for (const text of [
  '',
  '10',
  'mbit',
  '-1mbit',
  '1e3mbit',
  '0mbit',
  '1bit',
  '9999tbit',
  '10 mbit',
  'NaNmbit',
]) {
  test(`parseRate() refuses '${text}'`, () => {
    assert.throws(() => parseRate(text, RATE_UP), InvalidArgumentError)
  })
}

test('an endpoint’s own options come before the labels of its container', () => {
  assert.equal(endpointRates({}, { other: 'x' }), null)
  assert.deepEqual(
    endpointRates({ DriverOpts: { [RATE_UP]: '8mbit' } }, { [RATE_UP]: '1mbit', [RATE_DOWN]: '16mbit' }),
    { up: 1_000_000, down: 2_000_000 },
  )
})
