import { createHash } from 'node:crypto'
import { parseDigest } from '#base/digest.ts'
import type { ContainerContext } from './context.ts'
import type { MountRecord } from './create/mount-record.ts'
import { idMapOf } from './id-map-of.ts'
import type { ContainerRecord } from './records.ts'

/** The id of the snapshot behind a mount of type image: `<container id>-<hash of the destination>`. */
export function imageMountId(containerId: string, destination: string): string {
  return `${containerId}-${createHash('sha256').update(destination).digest('hex').slice(0, 12)}`
}

/**
 * Makes the snapshot behind a mount of type image, which keeps the image's layers though the image be removed, and gives its id; fine
 * when it is there. @throws NotFoundError for an image that is gone before
 */
export async function prepareImageMount(
  context: ContainerContext,
  of: { readonly record: ContainerRecord; readonly mount: Extract<MountRecord, { type: 'image' }> },
): Promise<string> {
  const snapshot = imageMountId(of.record.id, of.mount.destination)
  if (context.snapshots.has(snapshot)) return snapshot
  const { layers } = context.images.get(of.mount.imageId)
  const mapped = idMapOf(of.record, context.defaults) !== null
  await context.snapshots.prepare(snapshot, { layers: layers.map(parseDigest), mapped })
  return snapshot
}

/** The ids of the snapshots behind all mounts of type image of a container. */
export function imageMountIds(record: ContainerRecord): readonly string[] {
  return record.mounts
    .filter((mount) => mount.type === 'image')
    .map((mount) => imageMountId(record.id, mount.destination))
}
