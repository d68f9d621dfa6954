import { DaemonError } from '#client/transport.ts'
import { atLeast, command } from '../../core/command.ts'
import { forEachName } from '../../core/each.ts'
import { bool } from '../../core/flag.ts'
import { ExitError } from '../../core/exit.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {
    force: bool('Kill the container first when it runs', { short: 'f' }),
    link: bool('Remove the link of that name', { short: 'l' }),
    volumes: bool('Remove its anonymous volumes too', { short: 'v' }),
  },
  async run(context, { args, flags }) {
    const { containers } = await context.client()
    const { force, volumes, link } = flags
    await forEachName(context, args, async (name) => {
      const id = name.replace(/^\/+|\/+$/g, '')
      if (id === '') throw new ExitError(1, 'Container name cannot be empty')
      try {
        await containers.remove(id, { force, volumes, link })
      } catch (error) {
        // With --force the wish is that it is gone, which it is; it is said all the same.
        if (!force || !(error instanceof DaemonError) || error.status !== 404) throw error
        context.err.line(`Error response from daemon: ${error.message}`)
        return null
      }
      return name
    })
  },
})
