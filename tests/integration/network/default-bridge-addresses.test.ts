import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import type { DefaultBridgeOptions } from '#network/predefined.ts'
import { NetworkRoot } from './network-root.ts'

const at = `10.${randomInt(130, 190)}.${randomInt(256)}`
const six = `fd${randomInt(16, 256).toString(16)}:${randomInt(0x1000, 0x10000).toString(16)}`

/** Opens networking whose default bridge has these flags alone; null: it does not start. */
async function open(flags: Partial<DefaultBridgeOptions>): Promise<NetworkRoot> {
  const root = new NetworkRoot()
  const { defaultBridge } = root.options()
  root.change({ defaultBridge: { ...defaultBridge, bip: null, ...flags } })
  await root.open()
  return root
}

describe('addresses of the default bridge by flags, as dockerd chooses them', () => {
  const works: readonly { flags: Partial<DefaultBridgeOptions>; config: object; route: string }[] = [
    {
      flags: { fixedCidr: `${at}.0/24` },
      config: { Subnet: `${at}.0/24`, IPRange: `${at}.0/24` },
      route: `default via ${at}.1`,
    },
    {
      flags: { bip: `${at}.1/24`, fixedCidr: `${at}.128/25` },
      config: { Subnet: `${at}.0/24`, IPRange: `${at}.128/25`, Gateway: `${at}.1` },
      route: `src ${at}.128`,
    },
    {
      flags: { bip: `${at}.1/24`, gateway: `${at}.254` },
      config: {
        Subnet: `${at}.0/24`,
        Gateway: `${at}.1`,
        AuxiliaryAddresses: { DefaultGatewayIPv4: `${at}.254` },
      },
      route: `default via ${at}.254`,
    },
  ]
  for (const { flags, config, route } of works) {
    test(JSON.stringify(flags), async () => {
      await using root = await open(flags)
      assert.deepEqual(root.networks.inspect('bridge').IPAM?.Config, [config])
      const { netnsPath } = await root.sandbox()
      assert.match(await root.run(netnsPath, 'ip', 'route'), new RegExp(route.replaceAll('.', '\\.')))
    })
  }

  test('IPv6: bip6, fixed-cidr-v6 and default-gateway-v6', async () => {
    await using root = await open({
      ...{ bip: `${at}.1/24`, ipv6: true, bip6: `${six}::1/64` },
      ...{ fixedCidr6: `${six}::1:0/112`, gateway6: `${six}::9` },
    })
    const { netnsPath, endpoints } = await root.sandbox()
    assert.equal(endpoints['bridge']?.GlobalIPv6Address, `${six}::1:0`)
    assert.equal(endpoints['bridge'].IPv6Gateway, `${six}::9`)
    assert.match(await root.run(netnsPath, 'ip', '-6', 'route'), new RegExp(`default via ${six}::9`))
  })

  test('a range outside of the subnet: networking starts, containers do not', async () => {
    await using root = await open({ bip: `${at}.1/25`, fixedCidr: `${at}.128/26` })
    await assert.rejects(root.sandbox(), {
      message: `failed to set up container networking: add-any, range '${at}.128/26' is not in subnet '${at}.0/25'`,
    })
  })

  const fails: readonly { flags: Partial<DefaultBridgeOptions>; message: string }[] = [
    { flags: { bip: '10.0.0.1' }, message: 'parse bip failed: invalid CIDR address: 10.0.0.1' },
    { flags: { fixedCidr: 'x' }, message: 'parse fixed-cidr failed: invalid CIDR address: x' },
    {
      flags: { bip: `${at}.0/24` },
      message: `error creating default "bridge" network: failed to allocate gateway (${at}.0): Address already in use`,
    },
    {
      flags: { bip: `${at}.1/24`, gateway: '192.0.2.1' },
      message: `error creating default "bridge" network: auxiliary address: (DefaultGatewayIPv4:192.0.2.1) must belong to the master pool: ${at}.0/24`,
    },
    {
      flags: { bip: `${at}.1/24`, ipv6: true, fixedCidr6: `${six}::/64`, gateway6: 'fd00::9' },
      message: `error creating default "bridge" network: auxiliary address: (DefaultGatewayIPv6:fd00::9) must belong to the master pool: ${six}::/64`,
    },
  ]
  for (const { flags, message } of fails) {
    test(`refused: ${JSON.stringify(flags)}`, async () => {
      await assert.rejects(open(flags), { message, code: 'invalid_argument' })
    })
  }
})
