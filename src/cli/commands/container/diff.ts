import { command, exactly } from '../../core/command.ts'
import { string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { Row } from '../../template/row.ts'

const kinds = ['C', 'A', 'D']

export default command({
  usage: 'CONTAINER',
  args: exactly(1),
  flags: { format: string('Print by a Go template', { hidden: true }) },
  async run(context, { args: [name = ''], flags }) {
    const changes = await (await context.client()).containers.changes(name)
    printList(context.out, {
      format: flags.format === '' ? '{{.Type}} {{.Path}}' : flags.format,
      table: '{{.Type}}\t{{.Path}}',
      headers: { Type: 'CHANGE TYPE', Path: 'PATH' },
      rows: changes.map(
        ({ Kind, Path }) => new Row('container.diffContext', { Type: kinds[Kind] ?? '?', Path }),
      ),
    })
  },
})
