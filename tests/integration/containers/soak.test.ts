import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { heapBytes } from '../../support/daemon-heap.ts'
import { until } from '../../support/until.ts'
import { Wharfd } from '../../support/wharfd.ts'

const parallel = 4
/** About what the record of a container takes. Half of it is compiled code, which still grows after the first round. */
const keptBytes = 8_000

async function cycle(daemon: Wharfd, total: number): Promise<void> {
  let left = total
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { Id } = await daemon.call('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'] })
      await daemon.call('POST', `/containers/${Id}/start`)
      await daemon.call('POST', `/containers/${Id}/wait`)
      await daemon.call('DELETE', `/containers/${Id}`)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}

// A daemon runs for months: what a container leaves in its memory adds up. `bench/run soak` does thousands, by hand.
test('containers that come and go leave neither memory nor descriptors in the daemon', async () => {
  const daemon = await Wharfd.startWithBusybox({ env: { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' } })
  try {
    const descriptors = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length
    await cycle(daemon, 60)
    const heapBefore = await heapBytes(daemon)
    const descriptorsBefore = descriptors()
    const cycles = 120
    await cycle(daemon, cycles)
    // What was removed is freed behind the answer.
    await until(
      'the heap is what it was',
      async () => {
        const grown = ((await heapBytes(daemon)) - heapBefore) / cycles
        if (grown < keptBytes) return true
        throw new Error(`each container left ${Math.round(grown)} bytes`)
      },
      { timeoutMs: 20_000, everyMs: 500 },
    )
    await until('descriptors are closed', () => descriptors() <= descriptorsBefore + 4)
    assert.deepEqual(await daemon.call('GET', '/containers/json?all=1'), [])
  } finally {
    await daemon.stop()
  }
})
