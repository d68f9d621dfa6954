import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError, PermissionDeniedError } from '#errors/errors.ts'
import type { IPAMConfig } from '#spec/docker/network.ts'
import { parseCidr } from './cidr.ts'
import { planPools } from './ipam-config.ts'
import type { PoolRecord } from './records.ts'

const plan = (...Config: IPAMConfig[]): PoolRecord[] =>
  planPools(
    { Config },
    {
      enableIPv4: true,
      enableIPv6: Config.some(({ Subnet }) => Subnet?.includes(':')),
      allocate: true,
      context: {
        networks: [parseCidr('10.0.0.0/24').subnet],
        routes: [parseCidr('10.0.1.0/24').subnet],
        pools: [{ base: '10.0.0.0/16', size: 24 }],
      },
    },
  )

test('a subnet is chosen clear of networks and routes; a named one may lie on a route', () => {
  assert.deepEqual(
    plan().map(({ subnet, gateway }) => [subnet, gateway]),
    [['10.0.2.0/24', '10.0.2.1']],
  )
  assert.equal(plan({ Subnet: '10.0.1.0/24' })[0]?.gateway, '10.0.1.1')
})

test('the gateway keeps clear of auxiliary addresses and lies in the range', () => {
  assert.equal(plan({ Subnet: '10.1.0.0/24', AuxiliaryAddresses: { a: '10.1.0.1' } })[0]?.gateway, '10.1.0.2')
  assert.equal(plan({ Subnet: '10.1.0.0/24', IPRange: '10.1.0.64/26' })[0]?.gateway, '10.1.0.64')
  assert.equal(plan({ Subnet: '10.1.0.0/24', Gateway: '10.1.0.254' })[0]?.gateway, '10.1.0.254')
})

test('an unspecified subnet is a wish for a size', () => {
  assert.deepEqual(
    plan({ Subnet: '0.0.0.0/26' }, { Subnet: '0.0.0.0/24' }).map(({ subnet, gateway }) => [subnet, gateway]),
    [
      ['10.0.2.0/26', '10.0.2.1'],
      ['10.0.3.0/24', '10.0.3.1'],
    ],
  )
  assert.throws(() => plan({ Subnet: '0.0.0.0/8' }), PermissionDeniedError)
})

test('both families', () => {
  const [six, four] = plan({ Subnet: 'fd00:1::/64' })
  assert.deepEqual([six?.family, six?.gateway, four?.subnet], [6, 'fd00:1::1', '10.0.2.0/24'])
})

test('overlaps are refused, with networks and with each other', () => {
  assert.throws(() => plan({ Subnet: '10.0.0.128/25' }), PermissionDeniedError)
  assert.throws(() => plan({ Subnet: '10.1.0.0/16' }, { Subnet: '10.1.2.0/24' }), PermissionDeniedError)
})

const wrong: readonly IPAMConfig[] = [
  { Subnet: '10.1.0.1/24' },
  { Subnet: 'x' },
  { Gateway: '10.1.0.1' },
  { Subnet: '10.1.0.0/24', Gateway: 'fd00::1' },
  { Subnet: '10.1.0.0/24', Gateway: 'x' },
  { Subnet: '10.1.0.0/24', IPRange: '10.1.0.0/16' },
  { Subnet: '10.1.0.0/24', IPRange: '10.2.0.0/25' },
  { Subnet: '10.1.0.0/24', AuxiliaryAddresses: { a: '10.2.0.1' } },
]
for (const config of wrong) {
  test(`${JSON.stringify(config)} is refused`, () => {
    assert.throws(() => plan(config), InvalidArgumentError)
  })
}
