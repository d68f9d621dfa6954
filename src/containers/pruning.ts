import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { parseMomentMs } from '#spec/docker/timestamp.ts'
import { publishPruneEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import { containerFilter } from './list/filters.ts'
import type { Removing } from './removing.ts'
import { isRunning } from './state.ts'

/** `POST /containers/prune`: removes what does not run and passes the filters (`until`, `label`, `label!`). */
export async function pruneContainers(
  context: ContainerContext,
  removing: Removing,
  filters: Filters,
): Promise<{ ContainersDeleted: readonly string[] | null; SpaceReclaimed: number }> {
  for (const name of filters.keys()) {
    if (!['until', 'label', 'label!'].includes(name))
      throw new InvalidArgumentError(`invalid filter '${name}'`)
  }
  const until = filters.get('until') ?? []
  if (until.length > 1) throw new InvalidArgumentError('more than one until filter specified')
  const limitMs = until[0] === undefined ? Infinity : parseMomentMs(until[0], Date.now())
  const labels = new Map([...filters].filter(([name]) => name !== 'until'))
  const fits = containerFilter(labels, {
    imageFamily: () => new Set(),
    container: (reference) => context.records.resolve(reference),
    networksOf: () => [],
    publishedPorts: () => [],
  })
  const deleted: string[] = []
  let reclaimed = 0
  for (const record of [...context.records.all()]) {
    if (isRunning(record.state) || Date.parse(record.createdAt) >= limitMs || !fits(record)) continue
    const { rwBytes } = await context.snapshots.usage(record.id)
    await removing.remove(record.id, { force: false, removeVolumes: false, removeLink: false })
    deleted.push(record.id)
    reclaimed += rwBytes
  }
  publishPruneEvent(context.events, reclaimed)
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed }
}
