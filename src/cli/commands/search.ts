import { command, exactly } from '../core/command.ts'
import { bool, filter, int, string } from '../core/flag.ts'
import { registryOf } from '../core/reference.ts'
import { printList } from '../format/list-format.ts'
import { ellipsis } from '../format/units.ts'
import { authHeaderFor } from '../registry/credentials.ts'
import { Row } from '../template/row.ts'

export default command({
  usage: '[OPTIONS] TERM',
  args: exactly(1),
  flags: {
    filter: filter(undefined, { short: 'f' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    limit: int('How many at most'),
    'no-trunc': bool('Print everything in full'),
  },
  async run(context, { args: [term = ''], flags }) {
    const { images } = await context.client()
    const auth = await authHeaderFor(context.config, registryOf(term) === 'docker.io' ? 'library/x' : term)
    const found = await images.search(term, { limit: flags.limit ?? undefined, filters: flags.filter, auth })
    const text = (description: string) => {
      const line = description.replaceAll('\n', ' ').replaceAll('\r', ' ')
      return flags['no-trunc'] ? line : ellipsis(line, 45)
    }
    printList(context.out, {
      format: flags.format,
      table: '{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}',
      headers: {
        Name: 'NAME',
        Description: 'DESCRIPTION',
        StarCount: 'STARS',
        IsOfficial: 'OFFICIAL',
        IsAutomated: 'AUTOMATED',
      },
      rows: found
        .toSorted((a, b) => b.star_count - a.star_count)
        .map(
          (result) =>
            new Row('formatter.searchContext', {
              Name: result.name,
              Description: text(result.description),
              StarCount: String(result.star_count),
              IsOfficial: result.is_official ? '[OK]' : '',
              IsAutomated: result.is_automated === true ? '[OK]' : '',
            }),
        ),
    })
  },
})
