import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import type { Engine } from '../../tests/support/engine.ts'
import { pids } from '../../tests/support/kernel-state.ts'

/** An engine whose processes can be told from others. */
export type Measured = Engine & { readonly pid: number; readonly root: string }

/** All processes of an engine but for those inside containers, which are in pid namespaces of their own. */
export function engineProcesses(engine: Measured): readonly number[] {
  const namespace = readlinkSync(`/proc/${engine.pid}/ns/pid`)
  const alone = namespace !== readlinkSync('/proc/self/ns/pid')
  return pids().filter((pid) => {
    try {
      if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) return false
      return (
        alone ||
        pid === engine.pid ||
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${engine.root}/`)
      )
    } catch {
      // It ended while it was looked at.
      return false
    }
  })
}

/** Memory of an engine's processes in MB, as PSS: what is shared is counted once. */
export function engineMemory(engine: Measured): number {
  return sum(engine, 'smaps_rollup', /^Pss:\s+(\d+)/m)
}

/** Forgets how much memory the processes of an engine have had (proc_pid_clear_refs(5)). */
export function resetPeak(engine: Measured): void {
  for (const pid of engineProcesses(engine)) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most memory that each process has had since, in MB, added up. */
export function peakMemory(engine: Measured): number {
  return sum(engine, 'status', /^VmHWM:\s+(\d+)/m)
}

function sum(engine: Measured, file: string, pattern: RegExp): number {
  let kilobytes = 0
  for (const pid of engineProcesses(engine)) {
    try {
      kilobytes += Number(pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It ended while it was looked at.
    }
  }
  return kilobytes / 1024
}
