import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConflictError } from '#errors/errors.ts'

/**
 * Writes the pid file; disposing removes it.
 * @throws ConflictError when the daemon it names is alive
 */
export function writePidfile(path: string): Disposable {
  const before = existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : NaN
  if (Number.isSafeInteger(before) && before > 0 && before !== process.pid && isDaemon(before)) {
    throw new ConflictError(
      `process with PID ${String(before)} is still running: failed to start daemon, ensure wharfd is not running or delete ${path}`,
    )
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, String(process.pid), { mode: 0o644 })
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) }
}

/** Pids are used again: only a process that looks like this daemon counts. */
function isDaemon(pid: number): boolean {
  try {
    return /wharfd|daemon\/main\.ts/.test(readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}
