import { shortId } from '#base/ids.ts'
import { command, noArgs } from '../../core/command.ts'
import { bool, filter, string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { naturally } from '../../format/natural.ts'
import { goTimeOf } from '../../format/units.ts'
import { labelsText } from '../../rows/container-row.ts'
import { Row } from '../../template/row.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('Keep only what matches (e.g. "driver=bridge")', { short: 'f' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    'no-trunc': bool('Print everything in full'),
    quiet: bool('Print ids only', { short: 'q' }),
  },
  async run(context, { flags, given }) {
    const found = await (await context.client()).networks.list({ filters: flags.filter })
    const networks = found.toSorted((a, b) => naturally(a.Name ?? '', b.Name ?? ''))
    printList(context.out, {
      format: given('format') ? flags.format : flags.quiet ? '' : (context.config.file.networksFormat ?? ''),
      table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
      headers: {
        ID: 'NETWORK ID',
        Name: 'NAME',
        Driver: 'DRIVER',
        Scope: 'SCOPE',
        IPv4: 'IPV4',
        IPv6: 'IPV6',
        Internal: 'INTERNAL',
        Labels: 'LABELS',
        CreatedAt: 'CREATED AT',
      },
      quiet: flags.quiet ? 'ID' : null,
      rows: networks.map(
        (network) =>
          new Row('network.networkContext', {
            ID: flags['no-trunc'] ? (network.Id ?? '') : shortId(network.Id ?? ''),
            Name: network.Name ?? '',
            Driver: network.Driver ?? '',
            Scope: network.Scope ?? '',
            IPv4: String(network.EnableIPv4 ?? false),
            IPv6: String(network.EnableIPv6 ?? false),
            Internal: String(network.Internal ?? false),
            Labels: () => labelsText(network.Labels),
            Label: (name: string) => network.Labels?.[name] ?? '',
            CreatedAt: () => goTimeOf(network.Created ?? ''),
          }),
      ),
    })
  },
})
