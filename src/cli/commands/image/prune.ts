import { command, noArgs } from '../../core/command.ts'
import { confirm } from '../../core/confirm.ts'
import { bool, filter } from '../../core/flag.ts'
import { humanSize } from '../../format/units.ts'

const ALL = 'WARNING! This will remove all images without at least one container associated to them.'
const DANGLING = 'WARNING! This will remove all dangling images.'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove all images that no container uses, not only those without a name', { short: 'a' }),
    filter: filter('Keep what does not match (e.g. "until=24h")'),
    force: bool('Ask nothing', { short: 'f' }),
  },
  async run(context, { flags }) {
    if (!flags.force && !(await confirm(context, flags.all ? ALL : DANGLING))) return 1
    const filters = new Map([...flags.filter, ['dangling', [String(!flags.all)]]])
    const { ImagesDeleted, SpaceReclaimed } = await (await context.client()).images.prune(filters)
    if ((ImagesDeleted ?? []).length > 0) {
      context.out.line('Deleted Images:')
      for (const { Deleted, Untagged } of ImagesDeleted ?? []) {
        context.out.line(
          Untagged === undefined || Untagged === null || Untagged === ''
            ? `deleted: ${Deleted}`
            : `untagged: ${Untagged}`,
        )
      }
      context.out.line('')
    }
    context.out.line(`Total reclaimed space: ${humanSize(SpaceReclaimed ?? 0)}`)
    return 0
  },
})
