import type { Subject } from '../measure.ts'
import { engineMemory, type Measured } from '../support/process-memory.ts'

const containers = 20

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
