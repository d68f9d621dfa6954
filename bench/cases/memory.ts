import { readFileSync, readlinkSync } from 'node:fs'
import type { Engine } from '../../tests/support/engine.ts'
import { pids } from '../../tests/support/kernel-state.ts'
import type { Subject } from '../measure.ts'

const containers = 20

/** An engine whose processes can be told from others. */
export type Measured = Engine & { readonly pid: number; readonly root: string }

/** Memory of the daemon and of what stands beside each container, as PSS: what is shared is counted once. */
export const memoryCases: readonly Subject[] = [
  {
    name: 'daemon, idle',
    unit: 'MB',
    rounds: 1,
    once: (engine) => Promise.resolve(engineMemory(engine as Measured)),
  },
  {
    name: 'beside each idle container',
    unit: 'MB',
    rounds: 1,
    once: async (engine) => {
      const before = engineMemory(engine as Measured)
      for (let index = 0; index < containers; index += 1) {
        await engine.ok('run', '-d', '--label', 'bench', 'busybox', 'sleep', '100000')
      }
      return (engineMemory(engine as Measured) - before) / containers
    },
    restore: async (engine) => {
      await engine.ok('rm', '-f', ...(await engine.ok('ps', '-aq', '--filter', 'label=bench')).split('\n'))
    },
  },
]

/** All processes of an engine but for those inside containers, which are in pid namespaces of their own. */
function engineMemory(engine: Measured): number {
  const namespace = readlinkSync(`/proc/${engine.pid}/ns/pid`)
  const alone = namespace !== readlinkSync('/proc/self/ns/pid')
  let kilobytes = 0
  for (const pid of pids()) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) continue
      const ours =
        alone ||
        pid === engine.pid ||
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${engine.root}/`)
      if (!ours) continue
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It ended while it was looked at.
    }
  }
  return kilobytes / 1024
}
