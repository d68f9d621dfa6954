import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, messageOf } from '#errors/errors.ts'
import { containerPaths } from './container-paths.ts'
import type { ContainerContext } from './context.ts'
import { imageMountIds } from './image-mounts.ts'
import type { ContainerRecord } from './records.ts'
import { shouldStartWithDaemon } from './restart-policy.ts'
import type { Runs } from './runs.ts'
import { isAlive } from './state.ts'
import { timestamp } from './timestamp.ts'

/** Which containers were found running; for the areas whose things they use. */
export interface Recovered {
  /** Containers, and what is mounted in them from images. */
  readonly liveIds: ReadonlySet<string>
  readonly runningIds: ReadonlySet<string>
}

/**
 * First part of a start after any end of the daemon: takes up the containers whose processes go on, and finishes
 * creations and removals that were cut off. Nothing is started or cleaned up yet, so that the areas below can first
 * be told what is still in use.
 */
export async function recoverRecords(context: ContainerContext): Promise<Recovered> {
  const { records, runtime, logger } = context
  const liveIds = new Set<string>()
  const runningIds = new Set<string>()
  await Promise.all(
    [...records.all()].map(async (record) => {
      if (record.state.status === 'removing') return sweepRecord(context, record)
      const mounted = imageMountIds(record)
      for (const each of [record.id, ...mounted]) liveIds.add(each)
      // A crash between the start of the process and its record: the runtime knows better than the record.
      const found = await runtime.recover(record.id).catch((error: unknown) => {
        logger.error('recover a container', { container: record.id, error: messageOf(error) })
        return null
      })
      if (found === null || found.status === 'created') return
      if (found.status === 'running' || found.status === 'paused')
        for (const each of [record.id, ...mounted]) runningIds.add(each)
      if (!isAlive(record.state)) {
        // What is left of the run whose end is recorded already is no new run.
        if (found.status === 'stopped' && (await isRecordedEnd(context, record))) return
        records.setState(record.id, {
          state: {
            status: 'running',
            pid: found.pid,
            startedAt: timestamp(),
            finishedAt: record.state.finishedAt,
            oomKilled: false,
            health: null,
          },
        })
      } else if (found.status !== 'stopped' && found.status !== record.state.status) {
        records.setState(record.id, { state: { ...record.state, status: found.status, pid: found.pid } })
      }
    }),
  )
  await sweepDirectories(context)
  return { liveIds, runningIds }
}

/** Removes the files of containers whose record is gone: their removal was told, and cut off. */
async function sweepDirectories({ records, directory, logger }: ContainerContext): Promise<void> {
  const names = await readdir(directory).catch(ignoreAbsent)
  for (const name of names) {
    if (records.find(name) !== null) continue
    await rm(join(directory, name), { recursive: true, force: true }).catch((error: unknown) =>
      logger.error('remove what a container left', { container: name, error: messageOf(error) }),
    )
  }
}

function ignoreAbsent(error: unknown): string[] {
  if (errnoOf(error) !== 'ENOENT') throw error
  return []
}

/** Second part: follows the runs that go on, deals with those that ended meanwhile, starts what its policy wants. */
export async function resumeRuns(context: ContainerContext, runs: Runs, recovered: Recovered): Promise<void> {
  const { records, runtime, logger } = context
  const due: ContainerRecord[] = []
  for (const record of [...records.all()]) {
    try {
      if (await resumeRecord(context, runs, { record, recovered })) due.push(record)
    } catch (error) {
      logger.error('resume a container', { container: record.id, error: messageOf(error) })
    }
  }
  // Before the first new run: what is being made now is nobody's yet.
  await runtime.sweep()
  // What a container is linked to is older than it, and starts before it.
  const starts = new Map<string, Promise<void>>()
  for (const { id, links } of due) {
    const start = Promise.all(links.flatMap(({ containerId }) => starts.get(containerId) ?? []))
      .then(() => runs.resume(id))
      .catch((error: unknown) =>
        logger.warn('start a container with the daemon', { container: id, error: messageOf(error) }),
      )
    starts.set(id, start)
  }
}

/** Tells whether the end that the runtime knows of is the one in the record: its clean-up was cut off. */
async function isRecordedEnd(context: ContainerContext, record: ContainerRecord): Promise<boolean> {
  const { finishedAt } = await context.runtime.exit(record.id)
  return finishedAt === record.state.finishedAt
}

/** Takes up one container; true when its policy wants it started. */
async function resumeRecord(
  context: ContainerContext,
  runs: Runs,
  of: { readonly record: ContainerRecord; readonly recovered: Recovered },
): Promise<boolean> {
  const { record, recovered } = of
  const { id, state } = record
  if (isAlive(state)) {
    if (recovered.runningIds.has(id)) runs.watch(record)
    else await runs.foundEnded(id, await endOf(context, record))
    return false
  }
  await context.runtime.delete(id)
  if (state.status !== 'restarting') return shouldStartWithDaemon(record)
  runs.planRestart(record, 0)
  return false
}

/** How a run ended while no daemon looked; a machine that went down leaves no exit code. */
async function endOf(
  context: ContainerContext,
  record: ContainerRecord,
): Promise<{ exitCode: number; finishedAt: string; oomKilled: boolean }> {
  try {
    return await context.runtime.exit(record.id)
  } catch {
    return { exitCode: 255, finishedAt: timestamp(), oomKilled: false }
  }
}

/** Ends what was cut off: a creation nobody was told of, or a removal. */
async function sweepRecord(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const { id } = record
  try {
    await context.runtime.delete(id)
    await context.networks.release(id)
    for (const mount of record.mounts) {
      if (mount.type !== 'volume') continue
      context.volumes.release(mount.name, id)
      if (mount.anonymous && record.hostConfig.AutoRemove === true) {
        await context.volumes.remove(mount.name, { force: true }).catch(() => {})
      }
    }
    await context.snapshots.remove(id)
    for (const mounted of imageMountIds(record)) await context.snapshots.remove(mounted)
    await rm(containerPaths(context.directory, id).directory, { recursive: true, force: true })
    context.records.delete(id)
  } catch (error) {
    context.logger.error('sweep a container', { container: id, error: messageOf(error) })
  }
}
