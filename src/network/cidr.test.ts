import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressBytes,
  contains,
  formatAddress,
  formatSubnet,
  overlaps,
  parseAddress,
  parseCidr,
} from './cidr.ts'

const cases = [
  ['10.1.2.3', '10.1.2.3'],
  ['2001:DB8:0:0:1::', '2001:db8:0:0:1::'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
] as const
for (const [input, canonical] of cases) {
  test(`address ${input} reads and prints as ${canonical}`, () => {
    assert.equal(formatAddress(parseAddress(input)), canonical)
  })
}

test('subnets: the first address, membership, overlap', () => {
  const { subnet, address } = parseCidr('172.18.5.9/16')
  assert.equal(formatSubnet(subnet), '172.18.0.0/16')
  assert.equal(formatAddress(address), '172.18.5.9')
  assert.ok(contains(subnet, parseAddress('172.18.255.255')))
  assert.ok(!contains(subnet, parseAddress('172.19.0.0')))
  assert.ok(overlaps(subnet, parseCidr('172.16.0.0/12').subnet))
  assert.ok(!overlaps(subnet, parseCidr('172.19.0.0/16').subnet))
  assert.ok(!overlaps(subnet, parseCidr('::/0').subnet))
  assert.deepEqual([...addressBytes(address)], [172, 18, 5, 9])
})

for (const bad of ['', '10.0.0', '10.0.0.0/33', '10.0.0.0', 'fe80::1%eth0', '1::2::3', '10.0.0.0/']) {
  test(`${JSON.stringify(bad)} is no subnet`, () => {
    assert.throws(() => parseCidr(bad), RangeError)
  })
}
