import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressPool } from './address-pool.ts'
import { parseCidr } from './cidr.ts'

const pool = (cidr: string, range?: string): AddressPool =>
  new AddressPool(parseCidr(cidr).subnet, range === undefined ? {} : { range: parseCidr(range).subnet })

test('allocate() gives the lowest free address and skips network and broadcast', () => {
  const small = pool('10.0.0.0/30')
  assert.deepEqual([small.allocate(), small.allocate(), small.allocate()], ['10.0.0.1', '10.0.0.2', null])
  small.release('10.0.0.1')
  assert.equal(small.allocate(), '10.0.0.1')
})

test('allocate() stays within the range, reserve() may leave it', () => {
  const ranged = pool('10.0.0.0/16', '10.0.5.0/30')
  assert.ok(ranged.reserve('10.0.0.1'))
  assert.ok(!ranged.reserve('10.0.0.1'))
  const given = [
    ranged.allocate(),
    ranged.allocate(),
    ranged.allocate(),
    ranged.allocate(),
    ranged.allocate(),
  ]
  assert.deepEqual(given, ['10.0.5.0', '10.0.5.1', '10.0.5.2', '10.0.5.3', null])
  assert.throws(() => ranged.reserve('10.1.0.1'), RangeError)
})

test('a /31 and an IPv6 subnet', () => {
  const pair = pool('10.0.0.2/31')
  assert.deepEqual([pair.allocate(), pair.allocate(), pair.allocate()], ['10.0.0.2', '10.0.0.3', null])
  const six = pool('fd00:1::/64')
  assert.equal(six.allocate(), 'fd00:1::1')
  assert.equal(six.status().available, (1n << 64n) - 2n)
})
