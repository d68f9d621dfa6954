import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parseBridgeOptions } from './bridge-options.ts'
import { parseIpvlanOptions } from './ipvlan-driver.ts'
import { parseMacvlanOptions } from './macvlan-driver.ts'
import { parseDriver } from './network-drivers.ts'
import { endpointSysctls } from './sysctl.ts'

test('bridge options have Docker’s defaults', () => {
  assert.deepEqual(parseBridgeOptions({}), {
    bridge: null,
    mtu: null,
    icc: true,
    masquerade: true,
    hostBindingIPv4: null,
    source: { 4: null, 6: null },
    trustedInterfaces: [],
    gatewayMode: { 4: 'nat', 6: 'nat' },
    inhibitIPv4: false,
    interfacePrefix: 'eth',
  })
})

const wrong: readonly Record<string, string>[] = [
  { 'com.docker.network.bridge.name': 'a name too long for a link' },
  { 'com.docker.network.bridge.name': 'a/b' },
  { 'com.docker.network.bridge.enable_icc': 'perhaps' },
  { 'com.docker.network.driver.mtu': '-1' },
  { 'com.docker.network.bridge.host_binding_ipv4': 'localhost' },
  { 'com.docker.network.bridge.gateway_mode_ipv4': 'bridged' },
]
for (const options of wrong) {
  test(`bridge options refuse ${JSON.stringify(options)}`, () => {
    assert.throws(() => parseBridgeOptions(options), InvalidArgumentError)
  })
}

test('the host’s addresses and links that a network names; a driver by its name', () => {
  const sourced = parseBridgeOptions({ 'com.docker.network.host_ipv4': '10.0.0.1' })
  assert.deepEqual(sourced.source, { 4: '10.0.0.1', 6: null })
  assert.throws(() => parseBridgeOptions({ 'com.docker.network.host_ipv6': 'x' }), {
    message: 'failed to parse com.docker.network.host_ipv6 value: x (nil ip)',
  })
  const trusting = parseBridgeOptions({ 'com.docker.network.bridge.trusted_host_interfaces': 'eth0::eth1' })
  assert.deepEqual(trusting.trustedInterfaces, ['eth0', 'eth1'])
  assert.equal(parseDriver('ipvlan'), 'ipvlan')
})

test('macvlan: a parent with a dot is a VLAN', () => {
  assert.deepEqual(parseMacvlanOptions({ parent: 'eth0.50' }), {
    parent: 'eth0.50',
    mode: 'bridge',
    vlan: { below: 'eth0', id: 50 },
    mtu: null,
  })
  assert.throws(() => parseMacvlanOptions({ parent: 'eth0.4095' }), InvalidArgumentError)
  assert.throws(() => parseMacvlanOptions({ parent: 'eth0', macvlan_mode: 'x' }), InvalidArgumentError)
})

test('sysctls of an endpoint stay below its interface', () => {
  const read = (text: string): readonly (readonly string[])[] =>
    endpointSysctls({ DriverOpts: { 'com.docker.network.endpoint.sysctls': text } }, 'eth3')
  assert.deepEqual(read('net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=0'), [
    ['ipv4/conf/eth3/log_martians', '1'],
    ['ipv6/conf/eth3/accept_ra', '0'],
  ])
  for (const bad of [
    'net.ipv4.ip_forward=1',
    'net.ipv4/../../kernel/x=1',
    'net.ipv4.conf.IFNAME./../x=1',
    'kernel.panic=1',
  ]) {
    assert.throws(() => read(bad), InvalidArgumentError, bad)
  }
})

test('ipvlan: modes and flags', () => {
  const parse = parseIpvlanOptions
  assert.deepEqual(parse({ parent: 'eth0' }), {
    parent: 'eth0',
    vlan: null,
    mtu: null,
    mode: 'l2',
    flag: 'bridge',
  })
  assert.equal(parse({ parent: 'eth0.7', ipvlan_mode: 'l3s', ipvlan_flag: 'private' }).mode, 'l3s')
  for (const wrong of [{}, { parent: 'eth0', ipvlan_mode: 'l4' }, { parent: 'eth0', ipvlan_flag: 'x' }]) {
    assert.throws(() => parse(wrong), InvalidArgumentError)
  }
})
