import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const DIRECTORIES = ['dev/pts', 'dev/shm', 'proc', 'sys', 'etc']
const FILES = ['.dockerenv', 'dev/console', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf']

/**
 * Makes, once, what lies beneath every image: the empty files and directories that a container's own are mounted on.
 * An image's files of these names hide them, so each is there exactly when the image lacks it, and the runtime need
 * not make it in the container's own layer, where `docker diff` would show it.
 */
export function ensureBaseLayer(path: string): string {
  if (existsSync(path)) return path
  const unfinished = `${path}.new`
  rmSync(unfinished, { recursive: true, force: true })
  for (const name of DIRECTORIES) mkdirSync(join(unfinished, name), { recursive: true, mode: 0o755 })
  for (const name of FILES) writeFileSync(join(unfinished, name), '', { mode: 0o755 })
  symlinkSync('/proc/mounts', join(unfinished, 'etc/mtab'))
  mkdirSync(dirname(path), { recursive: true })
  renameSync(unfinished, path)
  return path
}
