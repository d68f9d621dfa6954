import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PermissionDeniedError } from '#errors/errors.ts'
import { parseCidr } from './cidr.ts'
import { chooseSubnet, defaultAddressPools, uniqueLocalPool } from './subnet-chooser.ts'

const taken = (...cidrs: readonly string[]) => cidrs.map((cidr) => parseCidr(cidr).subnet)

test('chooseSubnet() passes over what overlaps, larger or smaller', () => {
  assert.equal(chooseSubnet(defaultAddressPools, [], { family: 4 }), '172.17.0.0/16')
  assert.equal(
    chooseSubnet(defaultAddressPools, taken('172.17.3.0/24', '172.18.0.0/15'), { family: 4 }),
    '172.20.0.0/16',
  )
  assert.equal(
    chooseSubnet(defaultAddressPools, taken('172.16.0.0/12', '192.168.0.0/24'), { family: 4 }),
    '192.168.16.0/20',
  )
  const pool = [{ base: '10.0.0.0/8', size: 24 }]
  assert.equal(chooseSubnet(pool, taken('10.0.0.0/10', '10.64.0.0/30'), { family: 4 }), '10.64.1.0/24')
})

test('chooseSubnet() refuses when the pools are full', () => {
  assert.throws(
    () => chooseSubnet([{ base: '10.0.0.0/24', size: 24 }], taken('10.0.0.128/25'), { family: 4 }),
    PermissionDeniedError,
  )
})

test('the unique local pool is stable and gives /64s', () => {
  assert.deepEqual(uniqueLocalPool('a'), uniqueLocalPool('a'))
  assert.match(chooseSubnet([uniqueLocalPool('a')], [], { family: 6 }), /^fd[0-9a-f:]+::\/64$/)
})
