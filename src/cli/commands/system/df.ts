import { command, noArgs } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { readUsage, summaryRows } from '../../rows/usage.ts'
import { dataUsageText, usageDetails, usageDetailsJson } from '../../rows/usage-details.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    verbose: bool('Show each image, container, volume and piece of build cache', { short: 'v' }),
  },
  async run(context, { flags }) {
    const client = await context.client()
    const usage = await readUsage(client, flags.verbose)
    if (flags.verbose) {
      const data = await client.system.dataUsage()
      if (flags.format === 'json') context.out.write(usageDetailsJson(usage, data))
      else if (flags.format === '' || flags.format === 'table') {
        context.out.write(`${usageDetails(usage)}${data === null ? '' : dataUsageText(data)}`)
      } else throw new ExitError(1, '--verbose takes no template: use --format json')
      return
    }
    printList(context.out, {
      format: flags.format,
      table: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
      headers: {
        Type: 'TYPE',
        TotalCount: 'TOTAL',
        Active: 'ACTIVE',
        Size: 'SIZE',
        Reclaimable: 'RECLAIMABLE',
      },
      rows: summaryRows(usage),
    })
  },
})
