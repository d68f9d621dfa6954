import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { SharedSamples } from './shared-samples.ts'

function counting(): { readonly samples: SharedSamples<string>; readonly reads: string[] } {
  const reads: string[] = []
  const samples = new SharedSamples((id) => {
    reads.push(id)
    return Promise.resolve(`${id} ${reads.length}`)
  })
  return { samples, reads }
}

test('SharedSamples reads once for all who ask at the same time', async () => {
  const { samples, reads } = counting()
  const taken = await Promise.all(Array.from({ length: 100 }, () => samples.take('a')))
  assert.deepEqual(new Set(taken.map(({ value }) => value)), new Set(['a 1']))
  await samples.take('b')
  assert.deepEqual(reads, ['a', 'b'])
})

test('SharedSamples reads again later', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { samples } = counting()
  await samples.take('a')
  t.mock.timers.tick(1000)
  assert.equal((await samples.take('a')).value, 'a 2')
})

test('SharedSamples reads again after a failure', async () => {
  let fails = true
  const samples = new SharedSamples(() => (fails ? Promise.reject(new Error('no')) : Promise.resolve('yes')))
  await assert.rejects(samples.take('a'), /no/)
  fails = false
  assert.equal((await samples.take('a')).value, 'yes')
})
