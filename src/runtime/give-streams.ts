import { chownSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Owner } from '#base/id-map.ts'
import { errnoOf } from '#errors/errors.ts'

/**
 * Gives a monitor's pipes to the user of what it runs, who may open them again by name (/dev/stdout). From inside a user
 * namespace the runtime cannot: they belong to an id that is not in it.
 */
export function giveStreams(monitorPid: number, owner: Owner): void {
  const directory = `/proc/${String(monitorPid)}/fd`
  for (const fd of readdirSync(directory)) {
    try {
      if (statSync(join(directory, fd)).isFIFO()) chownSync(join(directory, fd), owner.uid, owner.gid)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
}
