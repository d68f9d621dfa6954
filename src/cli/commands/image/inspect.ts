import { atLeast, command } from '../../core/command.ts'
import { string } from '../../core/flag.ts'
import { inspectAll } from '../../core/inspect.ts'

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  flags: {
    format: string("How to print: 'json' or a Go template", { short: 'f' }),
    platform: string('Platform to look at (os[/arch[/variant]])'),
  },
  async run(context, { args, flags }) {
    const { images } = await context.client()
    const platform = flags.platform === '' ? undefined : platformJson(flags.platform)
    await inspectAll(context, {
      names: args,
      format: flags.format,
      find: (name) => images.inspectText(name, { platform }),
    })
  },
})

/** The API wants a platform as JSON here. */
function platformJson(text: string): string {
  const [os, architecture, variant] = text.split('/')
  return JSON.stringify({ os, architecture, variant })
}
