import { atLeast, command } from '../../core/command.ts'
import { bool, string } from '../../core/flag.ts'
import { inspectAll } from '../../core/inspect.ts'

export default command({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  args: atLeast(1),
  flags: {
    diagnose: bool(
      'Compare what the daemon says with links, routes, firewall and name servers of this machine',
    ),
    format: string("How to print: 'json' or a Go template", { short: 'f' }),
    verbose: bool('Show more, for finding faults', { short: 'v' }),
  },
  async run(context, { args, flags }) {
    const { networks } = await context.client()
    if (flags.diagnose) {
      const { diagnoseNetwork } = await import('../../diagnose/network.ts')
      let healthy = true
      for (const name of args)
        healthy = (await diagnoseNetwork(context, await networks.inspectText(name))) && healthy
      return healthy ? 0 : 1
    }
    await inspectAll(context, {
      names: args,
      format: flags.format,
      find: (name) => networks.inspectText(name, { verbose: flags.verbose }),
    })
    return 0
  },
})
