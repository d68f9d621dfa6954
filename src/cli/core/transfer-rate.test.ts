import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferRates } from './transfer-rate.ts'

test('tells rate and time left after a second, for each transfer of its own', () => {
  let now = 0
  const rates = new TransferRates(() => now)
  const at = (ms: number, bytes: number, totalBytes = 10_000_000): string => {
    now = ms
    return rates.text('a', { bytes, totalBytes })
  }
  assert.equal(at(0, 1_000_000), '')
  assert.equal(at(500, 2_000_000), '')
  assert.equal(at(2000, 5_000_000), '  2MB/s  3s')
  assert.equal(rates.text('b', { bytes: 5, totalBytes: 10 }), '')
  assert.equal(at(4000, 10_000_000), '  2.25MB/s')
  assert.equal(at(5000, 1_001_000_000, 0), '  200MB/s')
  assert.equal(at(6000, 1_100_000, 3_700_000_000), '  16.7kB/s  61h38m')
})
