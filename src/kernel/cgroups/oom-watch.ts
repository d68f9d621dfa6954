import { closeSync, openSync, readSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { watchFd } from '../readiness.ts'
import type { OomWatch } from './cgroups.ts'
import { parseFlatKeyed } from './files.ts'

const BYTES = 4096

/** Reads `memory.events` whenever the kernel says that it changed (cgroup-v2.rst); null when it is not there. */
export function watchOomKills(file: string): OomWatch | null {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
  let kills = 0
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    watch.close()
    closeSync(fd)
  }
  const read = (): void => {
    const buffer = Buffer.alloc(BYTES)
    try {
      const count = readSync(fd, buffer, 0, BYTES, 0)
      kills = Math.max(kills, parseFlatKeyed(buffer.toString('utf8', 0, count))['oom_kill'] ?? 0)
    } catch {
      // The group is gone.
      close()
    }
  }
  // The first read arms the notice.
  const watch = watchFd(fd, read, { event: 'priority', keepAlive: false })
  read()
  return {
    get kills() {
      return kills
    },
    close,
  }
}
