import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planPorts } from './port-changes.ts'
import type { PortWish } from './port-spec.ts'
import type { PublishedPort } from './port-spec.ts'

const both = ['0.0.0.0', '::']
const addressesOf = (wish: PortWish): string[] => (wish.hostIp === '' ? both : [wish.hostIp])

function wish(containerPort: number, host: number | null, hostIp = ''): PortWish {
  return {
    protocol: 'tcp',
    containerPort,
    hostIp,
    hostPorts: host === null ? null : { first: host, last: host },
  }
}

function ports(containerPort: number, hostPort: number, hostIps = both): PublishedPort[] {
  return hostIps.map((hostIp) => ({ protocol: 'tcp', containerPort, hostIp, hostPort }))
}

const plan = (
  published: readonly PublishedPort[],
  wishes: readonly PortWish[],
  drop: readonly PublishedPort[] = [],
): ReturnType<typeof planPorts> => planPorts(published, wishes, { drop, addressesOf })

test('what is wished for still stays, at all its addresses', () => {
  const published = [...ports(80, 8080), ...ports(81, 8081)]
  assert.deepEqual(plan(published, [wish(80, 8080), wish(82, 8082)]), {
    kept: ports(80, 8080),
    surplus: ports(81, 8081),
    missing: [wish(82, 8082)],
  })
})

test('a wish for one port takes it before a wish for any', () => {
  const published = [...ports(80, 8080), ...ports(80, 32768)]
  assert.deepEqual(plan(published, [wish(80, null), wish(80, 8080)]).surplus, [])
})

test('of two free ports the one that the user names goes', () => {
  const published = [...ports(80, 32768), ...ports(80, 32769)]
  const { kept, surplus } = plan(published, [wish(80, null)], ports(80, 32768))
  assert.deepEqual([kept, surplus], [ports(80, 32769), ports(80, 32768)])
})

test('another host address is another wish', () => {
  const { surplus, missing } = plan(ports(80, 8080), [wish(80, 8080, '127.0.0.1')])
  assert.deepEqual([surplus, missing.length], [ports(80, 8080), 1])
})
