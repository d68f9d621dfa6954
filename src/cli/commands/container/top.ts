import { atLeast, command } from '../../core/command.ts'
import { alignColumns } from '../../format/tabwriter.ts'

export default command({
  usage: 'CONTAINER [ps OPTIONS]',
  args: atLeast(1),
  flags: {},
  interspersed: false,
  async run(context, { args: [name = '', ...psArgs] }) {
    const { containers } = await context.client()
    const { Titles, Processes } = await containers.top(
      name,
      psArgs.length === 0 ? undefined : psArgs.join(' '),
    )
    const lines = [Titles ?? [], ...(Processes ?? [])].map((cells) => cells.join('\t'))
    context.out.write(alignColumns(`${lines.join('\n')}\n`, { minWidth: 20, padding: 3 }))
  },
})
