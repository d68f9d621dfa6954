import { shortId } from '#base/ids.ts'
import { command, exactly } from '../../core/command.ts'
import { bool, string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { ago, ellipsis, humanSize, rfc3339 } from '../../format/units.ts'
import { Row } from '../../template/row.ts'

export default command({
  usage: '[OPTIONS] IMAGE',
  args: exactly(1),
  flags: {
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    human: bool('Print sizes and dates for people', { short: 'H', initial: true }),
    'no-trunc': bool('Print everything in full'),
    platform: string('Platform to look at (os[/arch[/variant]])'),
    quiet: bool('Print ids only', { short: 'q' }),
  },
  async run(context, { args: [name = ''], flags }) {
    const { images } = await context.client()
    const items = await images.history(name, { platform: flags.platform || undefined })
    const truncate = !flags['no-trunc']
    printList(context.out, {
      format: flags.format,
      table: `{{.ID}}\t${flags.human ? '{{.CreatedSince}}' : '{{.CreatedAt}}'}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
      headers: {
        ID: 'IMAGE',
        CreatedSince: 'CREATED',
        CreatedAt: 'CREATED AT',
        CreatedBy: 'CREATED BY',
        Size: 'SIZE',
        Comment: 'COMMENT',
      },
      quiet: flags.quiet ? 'ID' : null,
      rows: items.map(
        (item) =>
          new Row('image.historyContext', {
            ID: truncate && item.Id.startsWith('sha256:') ? shortId(item.Id) : item.Id,
            CreatedSince: () => (item.Created <= 0 ? 'N/A' : ago(item.Created * 1000)),
            CreatedAt: () => (item.Created <= 0 ? '' : rfc3339(item.Created * 1000)),
            CreatedBy: () => {
              const text = item.CreatedBy.replaceAll('\t', ' ')
              return truncate ? ellipsis(text, 45) : text
            },
            Size: () => (flags.human ? humanSize(item.Size, 3) : String(item.Size)),
            Comment: item.Comment,
          }),
      ),
    })
  },
})
