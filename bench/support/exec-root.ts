import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { scratchRoot } from '../../tests/support/scratch.ts'

const path = `${scratchRoot}/exec`

/** An exec root on tmpfs, as /run is, where dockerd has its own; the mount is in the namespace of the bench. */
export function mountExecRoot(): string {
  mkdirSync(path, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path])
  return path
}

/** Takes it away, with what a daemon has left mounted in it. */
export function unmountExecRoot(): void {
  execFileSync('umount', ['--recursive', '--lazy', path])
}
