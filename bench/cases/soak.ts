import type { Engine } from '../../tests/support/engine.ts'
import type { Subject } from '../measure.ts'
import { engineMemory, type Measured } from '../support/process-memory.ts'

const parallel = 4

/** Containers made, run and removed, by the API itself: the CLI would take most of the time. */
async function cycle(engine: Engine, total: number): Promise<void> {
  let left = total
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { Id } = await engine.call('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'] })
      await engine.call('POST', `/containers/${Id}/start`)
      await engine.call('POST', `/containers/${Id}/wait`)
      await engine.call('DELETE', `/containers/${Id}`)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}

function memoryAfter(total: number, more: number): Subject {
  return {
    name: `daemon after ${total} containers`,
    unit: 'MB',
    rounds: 1,
    once: async (engine) => {
      await cycle(engine, more)
      return engineMemory(engine as Measured)
    },
  }
}

/** Memory after many containers have come and gone. Takes half an hour. */
export const soakCases: readonly Subject[] = [
  memoryAfter(500, 500),
  memoryAfter(2500, 2000),
  memoryAfter(5000, 2500),
]
