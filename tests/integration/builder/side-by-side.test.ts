import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Wharfd } from '../../support/wharfd.ts'
import { tarOf } from '../layers/fixture.ts'

let daemon: Wharfd

before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(async () => {
  await daemon.stop()
})

/** Builds an image whose layers nobody else has. */
async function build(mark: string): Promise<string> {
  const context = tarOf([
    {
      name: 'Dockerfile',
      content: `FROM busybox\nCOPY mark /mark\nWORKDIR /of/${mark}\nRUN echo ${mark} > /made\nCOPY mark /again\n`,
    },
    { name: 'mark', content: mark },
  ])
  const answer = await daemon.api('POST', '/build?nocache=1', context)
  const text = JSON.stringify(answer.body)
  assert.doesNotMatch(text, /errorDetail/, `build ${mark}`)
  return /Successfully built ([0-9a-f]{12})/.exec(text)?.[1] ?? ''
}

test('layers of a build stay while others end and are collected', async () => {
  const lane = async (name: string): Promise<void> => {
    for (let round = 0; round < 5; round += 1) {
      const id = await build(`${name}${round}`)
      // Removing an image and what the cache keeps of it starts a collection in the middle of the other builds.
      await daemon.call('DELETE', `/images/${id}?force=1`)
      await daemon.call('POST', '/build/prune?all=1')
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(lane))
})
