import { command, exactly } from '../../core/command.ts'
import { int, list, string, strings } from '../../core/flag.ts'
import { keyValueMap } from '../../flags/environment.ts'

export default command({
  usage: '[OPTIONS] NETWORK CONTAINER',
  args: exactly(2),
  flags: {
    alias: strings('Further name of the container on the network'),
    'driver-opt': strings('Option of the network driver'),
    'gw-priority': int('The network with the highest gives the default route'),
    ip: string('IPv4 address'),
    ip6: string('IPv6 address'),
    link: list('Link to another container'),
    'link-local-ip': strings('Link-local address'),
  },
  async run(context, { args: [network = '', container = ''], flags }) {
    const { networks } = await context.client()
    const linkLocal = flags['link-local-ip']
    const hasAddress = flags.ip !== '' || flags.ip6 !== '' || linkLocal.length > 0
    await networks.connect(network, {
      Container: container,
      EndpointConfig: {
        ...(hasAddress
          ? { IPAMConfig: { IPv4Address: flags.ip, IPv6Address: flags.ip6, LinkLocalIPs: linkLocal } }
          : {}),
        ...(flags.link.length === 0 ? {} : { Links: flags.link }),
        ...(flags.alias.length === 0 ? {} : { Aliases: flags.alias }),
        ...(flags['driver-opt'].length === 0 ? {} : { DriverOpts: keyValueMap(flags['driver-opt']) }),
        ...(flags['gw-priority'] === null ? {} : { GwPriority: flags['gw-priority'] }),
      },
    })
  },
})
