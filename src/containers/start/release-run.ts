import { umountAll } from '#kernel/mounts.ts'
import { messageOf } from '#errors/errors.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerContext } from '../context.ts'
import { imageMountId } from '../image-mounts.ts'
import type { ContainerRecord } from '../records.ts'

/** What a client can notice is given back first: addresses, ports, names. Never throws. */
export async function releaseNetwork(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await attempt(context, record, { what: 'network', work: () => context.networks.release(record.id) })
}

/**
 * Gives back the rest of a run: runtime state, mounts of volumes and images, the root. Never throws: what fails is
 * logged, and swept when the daemon starts next.
 */
export async function releaseRun(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const { id } = record
  await attempt(context, record, { what: 'runtime', work: () => context.runtime.delete(id) })
  await Promise.all([
    attempt(context, record, { what: 'root', work: () => context.snapshots.unmount(id) }),
    ...record.mounts.map((mount) =>
      attempt(context, record, {
        what: 'mounts',
        work: async () => {
          if (mount.type === 'volume') await context.volumes.unmount(mount.name, id)
          if (mount.type === 'image') await context.snapshots.unmount(imageMountId(id, mount.destination))
        },
      }),
    ),
  ])
  if (record.hostConfig.IpcMode === 'shareable') {
    await attempt(context, record, {
      what: 'shared memory',
      work: () => umountAll(containerPaths(context.directory, id).shm),
    })
  }
}

async function attempt(
  context: ContainerContext,
  record: ContainerRecord,
  step: { readonly what: string; readonly work: () => Promise<void> | void },
): Promise<void> {
  try {
    await step.work()
  } catch (error) {
    context.logger.warn(`release ${step.what} of container`, {
      container: record.id,
      error: messageOf(error),
    })
  }
}
