import { atLeast, command } from '../../core/command.ts'
import { bool, string } from '../../core/flag.ts'
import { inspectAll } from '../../core/inspect.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {
    format: string("How to print: 'json' or a Go template", { short: 'f' }),
    size: bool('Show how much disk it uses', { short: 's' }),
  },
  async run(context, { args, flags }) {
    const { containers } = await context.client()
    await inspectAll(context, {
      names: args,
      format: flags.format,
      find: (name) => containers.inspectText(name, { size: flags.size }),
    })
  },
})
