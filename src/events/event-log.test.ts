import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Filters } from '#spec/docker/filters.ts'
import { noFilters } from '#spec/docker/filters.ts'
import { createEvents } from './event-log.ts'
import type { Events, NewEvent } from './events.ts'

const start: NewEvent = {
  type: 'container',
  action: 'start',
  id: 'abc123',
  attributes: { name: 'web', image: 'nginx:1', tier: 'front' },
}

async function past(events: Events, filters: Filters = noFilters): Promise<string[]> {
  const signal = new AbortController().signal
  const names: string[] = []
  for await (const event of events.subscribe({
    since: 0n,
    until: 1n + BigInt(Date.now() + 1) * 1_000_000n,
    filters,
    signal,
  })) {
    names.push(`${event.Type ?? ''} ${event.Action ?? ''}`)
  }
  return names
}

test('subscribe() tells what was, in order, up to until', async () => {
  const events = createEvents()
  events.publish(start)
  events.publish({ ...start, action: 'die' })
  assert.deepEqual(await past(events), ['container start', 'container die'])
})

test('subscribe() keeps the newest 256', async () => {
  const events = createEvents()
  for (let index = 0; index < 300; index++)
    events.publish({ ...start, action: `exec_start: ${String(index)}` })
  const kept = await past(events)
  assert.equal(kept.length, 256)
  assert.equal(kept[0], 'container exec_start: 44')
})

test('subscribe() misses nothing that happens before the first question', async () => {
  const events = createEvents()
  const abort = new AbortController()
  const stream = events.subscribe({ since: null, until: null, filters: noFilters, signal: abort.signal })
  events.publish(start)
  const seen: string[] = []
  for await (const event of stream) {
    seen.push(event.Action ?? '')
    abort.abort()
  }
  assert.deepEqual(seen, ['start'])
  assert.equal(events.listeners, 0)
})

test('publish() gives every event a later time', async () => {
  const events = createEvents()
  const times: number[] = []
  for (let index = 0; index < 10; index++) events.publish(start)
  const signal = new AbortController().signal
  for await (const event of events.subscribe({
    since: 0n,
    until: BigInt(Date.now() + 1) * 1_000_000n,
    filters: noFilters,
    signal,
  })) {
    times.push(event.timeNano ?? 0)
  }
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
})

for (const [name, filters, passes] of [
  ['type', { type: ['container', 'image'] }, true],
  ['another type', { type: ['image'] }, false],
  ['event', { event: ['start'] }, true],
  ['container by name', { container: ['web'] }, true],
  ['container by id prefix', { container: ['abc'] }, true],
  ['another container', { container: ['db'] }, false],
  ['image of the container', { image: ['nginx:1'] }, true],
  ['image without its tag', { image: ['nginx'] }, true],
  ['all labels', { label: ['tier=front', 'image'] }, true],
  ['one label of two', { label: ['tier=front', 'tier=back'] }, false],
  ['network', { network: ['web'] }, false],
] as const) {
  test(`subscribe() filters by ${name}`, async () => {
    const events = createEvents()
    events.publish(start)
    assert.equal((await past(events, new Map(Object.entries(filters)))).length, passes ? 1 : 0)
  })
}
