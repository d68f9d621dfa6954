import { atLeast, command } from '../../core/command.ts'
import { forEachName } from '../../core/each.ts'

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {},
  async run(context, { args }) {
    const { containers } = await context.client()
    await forEachName(context, args, async (name) => {
      const { result } = await containers.wait(name)
      return String((await result).StatusCode)
    })
  },
})
