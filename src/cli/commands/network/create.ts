import type { IPAMConfig } from '#spec/docker/network.ts'
import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, list, map, string, strings } from '../../core/flag.ts'
import { readLabels } from '../../flags/environment.ts'
import { contains } from './subnets.ts'

export default command({
  usage: '[OPTIONS] NETWORK',
  args: exactly(1),
  flags: {
    attachable: bool('Let containers be attached by hand'),
    'aux-address': map('Addresses that the driver uses itself'),
    'config-from': string('Network to take the configuration from'),
    'config-only': bool('Make a configuration only'),
    driver: string('Driver', { short: 'd', initial: 'bridge' }),
    gateway: strings('Gateway of a subnet'),
    ingress: bool('Make the routing mesh of a swarm'),
    internal: bool('Allow no way out'),
    'ip-range': strings('Give containers addresses of this part only'),
    'ipam-driver': string('Driver that manages addresses', { initial: 'default' }),
    'ipam-opt': map('Option of that driver'),
    ipv4: bool('Use IPv4', { initial: true }),
    ipv6: bool('Use IPv6'),
    label: list('Set metadata'),
    opt: map('Option of the driver', { short: 'o' }),
    scope: string('Scope'),
    subnet: strings('Subnet (CIDR)'),
  },
  async run(context, { args: [name = ''], flags, given }) {
    const config = ipamConfig({
      subnets: flags.subnet,
      ranges: flags['ip-range'],
      gateways: flags.gateway,
      auxiliary: flags['aux-address'],
    })
    const { networks } = await context.client()
    const response = await networks.create({
      Name: name,
      Driver: flags.driver,
      Options: flags.opt,
      IPAM: { Driver: flags['ipam-driver'], Config: config, Options: flags['ipam-opt'] },
      Internal: flags.internal,
      Attachable: flags.attachable,
      Ingress: flags.ingress,
      Scope: flags.scope,
      ConfigOnly: flags['config-only'],
      Labels: readLabels({ files: [], values: flags.label }),
      CheckDuplicate: true,
      EnableIPv6: flags.ipv6,
      ...(given('ipv4') ? { EnableIPv4: flags.ipv4 } : {}),
      ...(flags['config-from'] === '' ? {} : { ConfigFrom: { Network: flags['config-from'] } }),
    })
    if (response.Warning !== undefined && response.Warning !== '')
      context.err.line(`WARNING: ${response.Warning}`)
    context.out.line(response.Id)
  },
})

interface Addresses {
  readonly subnets: readonly string[]
  readonly ranges: readonly string[]
  readonly gateways: readonly string[]
  readonly auxiliary: Readonly<Record<string, string>>
}

/** Puts ranges, gateways and further addresses to the subnets that they lie in. */
function ipamConfig({ subnets, ranges, gateways, auxiliary }: Addresses): IPAMConfig[] {
  const fail = (message: string): never => {
    throw new ExitError(1, message)
  }
  if (subnets.length < ranges.length || subnets.length < gateways.length)
    fail('every ip-range or gateway must have a corresponding subnet')
  const configs = new Map<
    string,
    { Subnet: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> }
  >()
  for (const subnet of subnets) {
    for (const other of configs.keys())
      if (contains(other, subnet) || contains(subnet, other))
        fail('multiple overlapping subnet configuration is not supported')
    configs.set(subnet, { Subnet: subnet })
  }
  const home = (address: string) => [...configs.values()].find(({ Subnet }) => contains(Subnet, address))
  for (const range of ranges) {
    const config = home(range) ?? fail(`no matching subnet for range ${range}`)
    if (config.IPRange !== undefined)
      fail(
        `cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`,
      )
    config.IPRange = range
  }
  for (const gateway of gateways) {
    const config = home(gateway) ?? fail(`no matching subnet for gateway ${gateway}`)
    if (config.Gateway !== undefined)
      fail(
        `cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`,
      )
    config.Gateway = gateway
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    const config = home(address) ?? fail(`no matching subnet for aux-address ${address}`)
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address }
  }
  return [...configs.values()]
}
