import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'

/**
 * The directory of this test file, short enough for unix sockets below it. The runner makes and removes it (kernel-file.ts); a file
 * run by hand gets one of its own, which it must remove itself.
 */
export const scratchRoot: string = process.env.WHARF_TEST_ROOT ?? `/tmp/wt${randomBytes(3).toString('hex')}`

/** A name that no other test file has, for cgroups, bridges and the like; at most 8 characters. */
export const scratchTag: string = process.env.WHARF_TEST_TAG ?? scratchRoot.slice('/tmp/'.length)

/** True when the runner made the namespaces of this process, so that nothing of the machine can be met. */
export const isIsolated: boolean = process.env.WHARF_TEST_ROOT !== undefined

let made = 0

/** Makes a new empty directory below the scratch root and returns its path. */
export function scratchDirectory(name: string): string {
  made += 1
  const path = `${scratchRoot}/${name}${made}`
  mkdirSync(path, { recursive: true })
  return path
}

if (!isIsolated) {
  process.on('exit', () => {
    // Never through a mount that a failed test has left.
    const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${scratchRoot}/`)
    if (!mounted) rmSync(scratchRoot, { recursive: true, force: true })
  })
}
