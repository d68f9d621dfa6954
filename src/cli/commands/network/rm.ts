import { DaemonError } from '#client/transport.ts'
import { atLeast, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool } from '../../core/flag.ts'
import { errorText } from '../../program.ts'

export default command({
  usage: 'NETWORK [NETWORK...]',
  args: atLeast(1),
  flags: { force: bool('It is no error when the network is not there', { short: 'f' }) },
  async run(context, { args, flags }) {
    const { networks } = await context.client()
    let failed = false
    for (const name of args) {
      try {
        await networks.remove(name)
        context.out.line(name)
      } catch (error) {
        if (flags.force && error instanceof DaemonError && error.status === 404) continue
        context.err.line(errorText(error))
        failed = true
      }
    }
    if (failed) throw new ExitError(1, 'exit status 1')
  },
})
