import assert from 'node:assert/strict'
import { test } from 'node:test'
import { naturally } from './natural.ts'
import { bytesSize, ellipsis, goTimeOf, humanDuration, humanSize, significant } from './units.ts'

test('humanSize() is decimal with the digits asked for', () => {
  const cases = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1_984_512, '1.985MB'],
    [1_000_000_000, '1GB'],
    [999_999, '1000kB'],
  ] as const
  for (const [size, text] of cases) assert.equal(humanSize(size), text)
  assert.equal(humanSize(1_984_512, 3), '1.98MB')
  assert.equal(humanSize(2_816_000, 3), '2.82MB')
})

test('bytesSize() is binary', () => {
  assert.equal(bytesSize(0), '0B')
  assert.equal(bytesSize(1024), '1KiB')
  assert.equal(bytesSize(25_276_440_576), '23.54GiB')
})

test('humanDuration() has the rough words of Docker', () => {
  const second = 1000
  const minute = 60 * second
  const hour = 60 * minute
  const day = 24 * hour
  const cases = [
    [500, 'Less than a second'],
    [second, '1 second'],
    [59 * second, '59 seconds'],
    [minute, 'About a minute'],
    [2 * minute, '2 minutes'],
    [hour, 'About an hour'],
    [3 * hour, '3 hours'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [60 * day, '2 months'],
    [800 * day, '2 years'],
  ] as const
  for (const [duration, text] of cases) assert.equal(humanDuration(duration), text)
})

test('significant() prints as %.<n>g', () => {
  assert.equal(significant(1234.4, 4), '1234')
  assert.equal(significant(0.5, 3), '0.5')
  assert.equal(significant(123_456, 3), '1.23e+05')
})

test('ellipsis() counts characters', () => {
  assert.equal(ellipsis('abc', 3), 'abc')
  assert.equal(ellipsis('abcd', 3), 'ab…')
  assert.equal(ellipsis('äöüß', 4), 'äöüß')
})

test('goTimeOf() keeps the nanoseconds that mean something', () => {
  assert.equal(goTimeOf('2026-11-21T13:15:15.522782442Z'), '2026-11-21 13:15:15.522782442 +0000 UTC')
  assert.equal(goTimeOf('2026-11-21T13:15:15.100000000Z'), '2026-11-21 13:15:15.1 +0000 UTC')
  assert.equal(goTimeOf('2026-11-21T13:15:15Z'), '2026-11-21 13:15:15 +0000 UTC')
})

test('naturally() orders numbers by value', () => {
  assert.deepEqual(['443/tcp', '80/tcp', 'n10', 'n2'].toSorted(naturally), ['80/tcp', '443/tcp', 'n2', 'n10'])
})
