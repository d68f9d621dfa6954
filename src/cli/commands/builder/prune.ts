import { command, noArgs } from '../../core/command.ts'
import { confirm } from '../../core/confirm.ts'
import { bool, filter } from '../../core/flag.ts'
import { bytes } from '../../flags/bytes.ts'
import { humanSize } from '../../format/units.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove all cache that is not in use, not only what nothing refers to', { short: 'a' }),
    filter: filter('Keep what does not match (e.g. "until=24h")'),
    force: bool('Ask nothing', { short: 'f' }),
    'keep-storage': bytes('How much to keep', { hidden: true }),
    'max-used-space': bytes('How much may stay'),
    'min-free-space': bytes('How much of the disk shall be free'),
    'reserved-space': bytes('How much stays in any case'),
  },
  async run(context, { flags }) {
    const what = flags.all ? 'all build cache' : 'all dangling build cache'
    if (!flags.force && !(await confirm(context, `WARNING! This will remove ${what}.`))) return 1
    const { builds } = await context.client()
    const { CachesDeleted, SpaceReclaimed } = await builds.prune({
      all: flags.all,
      reservedSpaceBytes: flags['reserved-space'] ?? flags['keep-storage'] ?? undefined,
      maxUsedSpaceBytes: flags['max-used-space'] ?? undefined,
      minFreeSpaceBytes: flags['min-free-space'] ?? undefined,
      filters: flags.filter,
    })
    if ((CachesDeleted ?? []).length > 0)
      context.out.line(`Deleted build cache objects:\n${(CachesDeleted ?? []).join('\n')}\n`)
    context.out.line(`Total reclaimed space: ${humanSize(SpaceReclaimed ?? 0)}`)
    return 0
  },
})
