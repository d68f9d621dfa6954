import { atLeast, command } from '../../core/command.ts'
import { forEachName } from '../../core/each.ts'

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {},
  async run(context, { args }) {
    const { containers } = await context.client()
    await forEachName(context, args, (name) => containers.pause(name))
  },
})
