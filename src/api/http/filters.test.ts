import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFilters } from './filters.ts'

for (const [name, text, expected] of [
  ['lists', '{"label":["a","b=c"]}', [['label', ['a', 'b=c']]]],
  ['sets of old clients', '{"status":{"paused":true}}', [['status', ['paused']]]],
  ['no value', '{"dangling":null}', [['dangling', []]]],
  ['nothing', '', []],
] as const) {
  test(`parseFilters() reads ${name}`, () => {
    assert.deepEqual([...parseFilters(text)], expected)
  })
}

for (const text of ['nonsense', '[]', '"a"', '3', '{"a":[1]}', '{"a":{"b":"c"}}', '{"a":"b"}']) {
  test(`parseFilters() refuses ${text}`, () => {
    assert.throws(() => parseFilters(text), { code: 'invalid_argument' })
  })
}
