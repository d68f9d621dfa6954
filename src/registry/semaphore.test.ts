import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Semaphore } from './semaphore.ts'

const never = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('enter() lets so many in, the others in order', async () => {
  const places = new Semaphore(1)
  const first = await places.enter(never)
  const order: string[] = []
  const waiting = ['a', 'b'].map(async (name) => {
    using _place = await places.enter(never)
    order.push(name)
  })
  await turn()
  assert.deepEqual(order, [])
  assert.equal(places.isFull, true)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  await Promise.all(waiting)
  assert.deepEqual(order, ['a', 'b'])
  assert.equal(places.isFull, false)
})

test('enter() gives up with its signal, and the place goes to the next', async () => {
  const places = new Semaphore(1)
  const first = await places.enter(never)
  const abort = new AbortController()
  const left = places.enter(abort.signal)
  const stays = places.enter(never)
  abort.abort(new Error('left'))
  await assert.rejects(left, /left/)
  first[Symbol.dispose]()
  await stays
})

test('resize() admits who waits, and takes places back as they come free', async () => {
  const places = new Semaphore(1)
  const first = await places.enter(never)
  const second = places.enter(never)
  places.resize(2)
  const held = await second
  places.resize(1)
  first[Symbol.dispose]()
  assert.equal(places.isFull, true)
  held[Symbol.dispose]()
  assert.equal(places.isFull, false)
})
