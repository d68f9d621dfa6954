import { command, noArgs } from '../../core/command.ts'
import { confirm } from '../../core/confirm.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, filter } from '../../core/flag.ts'
import { humanSize } from '../../format/units.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove all unused images, not only those without a name', { short: 'a' }),
    filter: filter('Keep what does not match (e.g. "label=a=b")'),
    force: bool('Ask nothing', { short: 'f' }),
    volumes: bool('Remove anonymous volumes too'),
  },
  async run(context, { flags }) {
    if (flags.volumes && flags.filter.has('until'))
      throw new ExitError(1, 'ERROR: The "until" filter is not supported with "--volumes"')
    if (!flags.force && !(await confirm(context, warning(flags)))) return 1
    const client = await context.client()
    let reclaimed = 0
    const tell = (title: string, names: readonly string[] | null | undefined) => {
      if ((names ?? []).length > 0) context.out.line(`${title}:\n${(names ?? []).join('\n')}\n`)
    }
    const containers = await client.containers.prune(flags.filter)
    tell('Deleted Containers', containers.ContainersDeleted)
    reclaimed += containers.SpaceReclaimed ?? 0
    const networks = await client.networks.prune(flags.filter)
    tell('Deleted Networks', networks.NetworksDeleted)
    if (flags.volumes) {
      const volumes = await client.volumes.prune(flags.filter)
      tell('Deleted Volumes', volumes.VolumesDeleted)
      reclaimed += volumes.SpaceReclaimed ?? 0
    }
    const images = await client.images.prune(new Map([...flags.filter, ['dangling', [String(!flags.all)]]]))
    tell(
      'Deleted Images',
      (images.ImagesDeleted ?? []).map(({ Deleted, Untagged }) =>
        Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`,
      ),
    )
    reclaimed += images.SpaceReclaimed ?? 0
    const cache = await client.builds.prune({
      all: flags.all,
      filters: flags.filter.has('until') ? new Map([['until', flags.filter.get('until') ?? []]]) : new Map(),
    })
    tell('Deleted build cache objects', cache.CachesDeleted)
    reclaimed += cache.SpaceReclaimed ?? 0
    context.out.line(`Total reclaimed space: ${humanSize(reclaimed)}`)
    return 0
  },
})

function warning(flags: {
  all: boolean
  volumes: boolean
  filter: ReadonlyMap<string, readonly string[]>
}): string {
  const what = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(flags.volumes ? ['all anonymous volumes not used by at least one container'] : []),
    flags.all ? 'all images without at least one container associated to them' : 'all dangling images',
    flags.all ? 'all build cache' : 'unused build cache',
  ]
  const filters = [...flags.filter].flatMap(([name, values]) =>
    values.map((value) => `    - ${name}=${value}`),
  )
  const about =
    filters.length === 0 ? '' : `\n  Items to be pruned will be filtered with:\n${filters.join('\n')}\n`
  return `WARNING! This will remove:\n${what.map((line) => `  - ${line}`).join('\n')}\n${about}`
}
