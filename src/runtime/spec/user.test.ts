import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveUser } from './user.ts'

const database = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n\n#note\nbroken\n',
  group: 'root:x:0:\nwheel:x:10:root,ann\nann:x:1001:\naudio:x:29:\n',
}

const cases = [
  { text: '', ids: { uid: 0, gid: 0, additionalGids: [0, 10] } },
  { text: 'root', ids: { uid: 0, gid: 0, additionalGids: [0, 10] } },
  { text: 'ann', ids: { uid: 1000, gid: 1001, additionalGids: [1001, 10] } },
  { text: '1000', ids: { uid: 1000, gid: 1001, additionalGids: [1001, 10] } },
  { text: 'ann:audio', ids: { uid: 1000, gid: 29, additionalGids: [29] } },
  { text: '5:6', ids: { uid: 5, gid: 6, additionalGids: [6] } },
  { text: '5', ids: { uid: 5, gid: 0, additionalGids: [0] } },
]
for (const { text, ids } of cases) {
  test(`resolveUser() of ${JSON.stringify(text)}`, () =>
    assert.deepEqual(resolveUser(text, [], database), ids))
}

test('resolveUser() adds groups by name and number', () => {
  assert.deepEqual(resolveUser('5', ['audio', '77'], database).additionalGids, [0, 29, 77])
})

test("resolveUser() refuses unknown names in Docker's words", () => {
  const refuses = (text: string, groups: readonly string[], message: string): void => {
    assert.throws(() => resolveUser(text, groups, database), { code: 'invalid_argument', message })
  }
  refuses('bob', [], 'unable to find user bob: no matching entries in passwd file')
  refuses('ann:x', [], 'unable to find group x: no matching entries in group file')
  refuses('0', ['x'], 'unable to find group x: no matching entries in group file')
  refuses('4294967296', [], 'uids and gids must be in range 0-2147483647')
})

test('resolveUser() without files knows numbers and root', () => {
  const none = { passwd: null, group: null }
  assert.deepEqual(resolveUser('', [], none), { uid: 0, gid: 0, additionalGids: [0] })
  assert.deepEqual(resolveUser('7:8', [], none), { uid: 7, gid: 8, additionalGids: [8] })
  assert.throws(() => resolveUser('root', [], none), { code: 'invalid_argument' })
})
