import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeBusyboxArchive } from '../../packaging/busybox-image.ts'

/** Where things that are slow to make are kept between runs; removing it costs only time. */
export const cacheRoot: string = fileURLToPath(new URL('../../.cache', import.meta.url))

/** Returns the path of an archive with the image `busybox:latest`, made at its first use. */
export function busyboxArchive(): Promise<string> {
  const { size, mtimeMs } = statSync('/bin/busybox')
  const file = `${cacheRoot}/images/busybox-${size}-${Math.trunc(mtimeMs)}.tar`
  if (statSync(file, { throwIfNoEntry: false }) === undefined) writeBusyboxArchive(file)
  return Promise.resolve(file)
}
