import { command, noArgs } from '../../core/command.ts'
import { confirm } from '../../core/confirm.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, filter } from '../../core/flag.ts'
import { humanSize } from '../../format/units.ts'

const ALL = 'WARNING! This will remove all local volumes not used by at least one container.'
const ANONYMOUS = 'WARNING! This will remove anonymous local volumes not used by at least one container.'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove unused volumes that have a name too', { short: 'a' }),
    filter: filter('Keep what does not match (e.g. "label=a=b")'),
    force: bool('Ask nothing', { short: 'f' }),
  },
  async run(context, { flags }) {
    if (flags.all && flags.filter.has('all'))
      throw new ExitError(1, 'conflicting options: cannot specify both --all and --filter all=1')
    const filters = flags.all ? new Map([...flags.filter, ['all', ['true']]]) : flags.filter
    if (!flags.force && !(await confirm(context, flags.all ? ALL : ANONYMOUS))) return 1
    const { VolumesDeleted, SpaceReclaimed } = await (await context.client()).volumes.prune(filters)
    if ((VolumesDeleted ?? []).length > 0)
      context.out.line(`Deleted Volumes:\n${(VolumesDeleted ?? []).join('\n')}\n`)
    context.out.line(`Total reclaimed space: ${humanSize(SpaceReclaimed ?? 0)}`)
    return 0
  },
})
