import { command, noArgs } from '../../core/command.ts'
import { confirm } from '../../core/confirm.ts'
import { bool, filter } from '../../core/flag.ts'
import { humanSize } from '../../format/units.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('Keep what does not match (e.g. "until=24h")'),
    force: bool('Ask nothing', { short: 'f' }),
  },
  async run(context, { flags }) {
    if (!flags.force && !(await confirm(context, 'WARNING! This will remove all stopped containers.')))
      return 1
    const { ContainersDeleted, SpaceReclaimed } = await (
      await context.client()
    ).containers.prune(flags.filter)
    if ((ContainersDeleted ?? []).length > 0)
      context.out.line(`Deleted Containers:\n${(ContainersDeleted ?? []).join('\n')}\n`)
    context.out.line(`Total reclaimed space: ${humanSize(SpaceReclaimed ?? 0)}`)
    return 0
  },
})
