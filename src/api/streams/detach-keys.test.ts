import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DetachScanner, parseDetachKeys } from './detach-keys.ts'

test('parseDetachKeys() reads control keys and characters', () => {
  assert.deepEqual(parseDetachKeys('ctrl-a,x,ctrl-],ctrl-@'), [1, 120, 29, 0])
  assert.deepEqual(parseDetachKeys(''), [16, 17])
  assert.throws(() => parseDetachKeys('ctrl-1'), { code: 'invalid_argument' })
  assert.throws(() => parseDetachKeys('ab'), { code: 'invalid_argument' })
})

function scanAll(keys: string, ...chunks: readonly string[]): { passed: string; detached: boolean } {
  const scanner = new DetachScanner(parseDetachKeys(keys))
  const passed = chunks.map((chunk) => Buffer.from(scanner.scan(Buffer.from(chunk))).toString()).join('')
  return { passed, detached: scanner.isDetached }
}

for (const [name, keys, chunks, expected] of [
  ['passes what is no key', '', ['abc', 'def'], { passed: 'abcdef', detached: false }],
  ['detaches on the keys in one chunk', 'x,y', ['abxyc'], { passed: 'ab', detached: true }],
  ['detaches on keys split over chunks', 'x,y', ['abx', 'yc'], { passed: 'ab', detached: true }],
  ['gives back a beginning that was none', 'x,y', ['abx', 'c'], { passed: 'abxc', detached: false }],
  ['sees the keys after a false beginning', 'x,y', ['xxy'], { passed: 'x', detached: true }],
  ['takes one key', 'x', ['ax'], { passed: 'a', detached: true }],
] as const) {
  test(`scan() ${name}`, () => {
    assert.deepEqual(scanAll(keys, ...chunks), expected)
  })
}
