import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { pruneFilter } from './network-filters.ts'
import type { NetworkRecord } from './records.ts'

const now = Date.parse('2026-01-02T00:00:00Z')
const network = (created: string, labels: Record<string, string> = {}): NetworkRecord =>
  ({ created, labels }) as unknown as NetworkRecord
const passes = (name: string, value: string, record: NetworkRecord): boolean =>
  pruneFilter(new Map([[name, [value]]]), now)(record)

test('until is a duration, a date or a Unix time', () => {
  const old = network('2026-01-01T00:00:00Z')
  const young = network('2026-01-01T23:50:00Z')
  for (const value of ['1h', '30m', '1h30m', '2026-01-01T12:00:00Z', String(now / 1000 - 3600)]) {
    assert.deepEqual([passes('until', value, old), passes('until', value, young)], [true, false], value)
  }
  assert.throws(() => passes('until', 'yesterday', old), InvalidArgumentError)
})

test('labels are wanted or not', () => {
  const kept = network('2026-01-01T00:00:00Z', { a: 'b' })
  assert.deepEqual(
    ['a', 'a=b', 'a=c', 'x'].map((value) => passes('label', value, kept)),
    [true, true, false, false],
  )
  assert.equal(passes('label!', 'a', kept), false)
  assert.throws(() => passes('name', 'x', kept), InvalidArgumentError)
})
