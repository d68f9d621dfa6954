import { command, noArgs } from '../../core/command.ts'
import { confirm } from '../../core/confirm.ts'
import { bool, filter } from '../../core/flag.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('Keep what does not match (e.g. "until=24h")'),
    force: bool('Ask nothing', { short: 'f' }),
  },
  async run(context, { flags }) {
    if (
      !flags.force &&
      !(await confirm(
        context,
        'WARNING! This will remove all custom networks not used by at least one container.',
      ))
    )
      return 1
    const { NetworksDeleted } = await (await context.client()).networks.prune(flags.filter)
    if ((NetworksDeleted ?? []).length > 0)
      context.out.line(`Deleted Networks:\n${(NetworksDeleted ?? []).join('\n')}\n`)
    return 0
  },
})
