import { atLeast, command } from '../../core/command.ts'
import { string } from '../../core/flag.ts'
import { inspectAll } from '../../core/inspect.ts'

export default command({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  args: atLeast(1),
  flags: { format: string("How to print: 'json' or a Go template", { short: 'f' }) },
  async run(context, { args, flags }) {
    const { volumes } = await context.client()
    await inspectAll(context, {
      names: args,
      format: flags.format,
      find: (name) => volumes.inspectText(name),
    })
  },
})
