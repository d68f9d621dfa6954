import { AssertionError } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { scratchDirectory } from './scratch.ts'

/** Fails with a unified diff when two texts differ: `-` is what was expected, `+` what was seen. */
export function assertSameText(seen: string, expected: string): void {
  if (seen === expected) return
  const directory = scratchDirectory('diff')
  writeFileSync(`${directory}/expected`, `${expected}\n`)
  writeFileSync(`${directory}/seen`, `${seen}\n`)
  const { stdout } = spawnSync('diff', ['-U2', 'expected', 'seen'], { cwd: directory, encoding: 'utf8' })
  throw new AssertionError({ message: stdout })
}
