import { command, noArgs } from '../../core/command.ts'
import { bool, filter, string } from '../../core/flag.ts'
import { naturally } from '../../format/natural.ts'
import { printList } from '../../format/list-format.ts'
import { volumeHeaders, volumeRow } from '../../rows/volume-row.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    cluster: bool('Show cluster volumes only', { hidden: true }),
    filter: filter('Keep only what matches (e.g. "dangling=true")', { short: 'f' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    quiet: bool('Print names only', { short: 'q' }),
  },
  async run(context, { flags, given }) {
    const { Volumes } = await (await context.client()).volumes.list({ filters: flags.filter })
    const volumes = (Volumes ?? []).toSorted((a, b) => naturally(a.Name, b.Name))
    printList(context.out, {
      format: given('format') ? flags.format : flags.quiet ? '' : (context.config.file.volumesFormat ?? ''),
      table: '{{.Driver}}\t{{.Name}}',
      headers: volumeHeaders,
      quiet: flags.quiet ? 'Name' : null,
      rows: volumes.map(volumeRow),
    })
  },
})
