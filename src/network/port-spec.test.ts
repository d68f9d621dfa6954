import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parsePort, portWishes } from './port-spec.ts'

test('wishes come from bindings and, with publishAll, from exposed ports that have none', () => {
  const wishes = portWishes({
    portBindings: {
      '80/tcp': [
        { HostIp: '', HostPort: '8080' },
        { HostIp: '127.0.0.1', HostPort: '8000-8010' },
      ],
      '53/udp': [{}],
    },
    exposedPorts: ['80/tcp', '443/tcp', '53/udp'],
    publishAll: true,
  })
  assert.deepEqual(wishes, [
    { protocol: 'udp', containerPort: 53, hostIp: '', hostPorts: null },
    { protocol: 'tcp', containerPort: 80, hostIp: '', hostPorts: { first: 8080, last: 8080 } },
    { protocol: 'tcp', containerPort: 80, hostIp: '127.0.0.1', hostPorts: { first: 8000, last: 8010 } },
    { protocol: 'tcp', containerPort: 443, hostIp: '', hostPorts: null },
  ])
})

for (const bad of ['', 'x', '80/icmp', '70000/tcp', '-1']) {
  test(`${JSON.stringify(bad)} is no port`, () => {
    assert.throws(() => parsePort(bad), InvalidArgumentError)
  })
}

test('a host port range that runs backwards is refused', () => {
  const request = { portBindings: { '1/tcp': [{ HostPort: '20-10' }] }, exposedPorts: [], publishAll: false }
  assert.throws(() => portWishes(request), InvalidArgumentError)
})
