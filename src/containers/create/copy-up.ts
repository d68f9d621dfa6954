import { readdirSync, statSync, chmodSync, chownSync } from 'node:fs'
import { InvalidArgumentError } from '#errors/errors.ts'
import { findBeneath } from '#kernel/paths.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'

/**
 * Fills empty volumes of a new container with what its image has at their place, owner and mode included.
 * @throws InvalidArgumentError in Docker's words where the image has a file and the volume no name
 */
export async function copyUp(context: ContainerContext, record: ContainerRecord): Promise<void> {
  for (const mount of record.mounts) {
    if (mount.type !== 'volume' || !mount.copyUp) continue
    const root = await context.snapshots.mount(record.id)
    const source = findBeneath(root, mount.destination)
    if (source === null) continue
    if (!statSync(source).isDirectory()) {
      if (!mount.anonymous) continue
      throw new InvalidArgumentError(`cannot mount volume over existing file, file exists ${source}`)
    }
    const volume = await context.volumes.mount(mount.name, record.id)
    try {
      const place = mount.subpath === '' ? volume : findBeneath(volume, mount.subpath)
      if (place === null || !statSync(place).isDirectory() || readdirSync(place).length > 0) continue
      if (readdirSync(source).length > 0) {
        const { tar } = await context.archives.read(root, `${mount.destination}/.`)
        await context.archives.extract(place, '/', tar)
      }
      const { uid, gid, mode } = statSync(source)
      chownSync(place, uid, gid)
      chmodSync(place, mode & 0o7777)
    } finally {
      await context.volumes.unmount(mount.name, record.id)
    }
  }
}
