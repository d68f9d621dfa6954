import { atLeast, command } from '../../core/command.ts'
import { forEachName } from '../../core/each.ts'
import { bool } from '../../core/flag.ts'

export default command({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  args: atLeast(1),
  flags: { force: bool('It is no error when the volume is not there', { short: 'f' }) },
  async run(context, { args, flags }) {
    const { volumes } = await context.client()
    await forEachName(context, args, (name) => volumes.remove(name, { force: flags.force }))
  },
})
