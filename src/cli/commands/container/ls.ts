import { command, noArgs } from '../../core/command.ts'
import { bool, filter, int, string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { containerHeaders, containerRow } from '../../rows/container-row.ts'

const TABLE = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Show stopped containers too', { short: 'a' }),
    filter: filter(undefined, { short: 'f' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    last: int('Show the n containers created last, in any state (default -1)', { short: 'n' }),
    latest: bool('Show the container created last, in any state', { short: 'l' }),
    'no-trunc': bool('Print everything in full'),
    quiet: bool('Print ids only', { short: 'q' }),
    size: bool('Show how much disk each container uses', { short: 's' }),
  },
  async run(context, { flags, given }) {
    const format = given('format') ? flags.format : (context.config.file.psFormat ?? '')
    const size = flags.size || (!flags.quiet && /\{\{[^}]*\.Size\b/.test(format))
    const limit = flags.last ?? (flags.latest ? 1 : -1)
    const client = await context.client()
    const summaries = await client.containers.list({
      all: flags.all,
      size,
      filters: flags.filter,
      limit: limit > 0 ? limit : undefined,
    })
    printList(context.out, {
      format: flags.quiet && !given('format') ? '' : format,
      table: flags.size ? `${TABLE}\t{{.Size}}` : TABLE,
      headers: containerHeaders,
      quiet: flags.quiet ? 'ID' : null,
      rows: summaries.map((summary) => containerRow(summary, { truncate: !flags['no-trunc'] })),
    })
  },
})
