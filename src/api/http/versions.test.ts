import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitVersion } from './versions.ts'

test('splitVersion() takes the prefix off', () => {
  assert.deepEqual(splitVersion('/v1.41/info'), { version: 41, path: '/info' })
})

test('splitVersion() gives the newest version to a path without one', () => {
  assert.deepEqual(splitVersion('/volumes/v1.41'), { version: 56, path: '/volumes/v1.41' })
})

for (const [path, message] of [
  ['/v1.57/info', 'client version 1.57 is too new. Maximum supported API version is 1.56'],
  ['/v2.0/info', 'client version 2.0 is too new. Maximum supported API version is 1.56'],
  [
    '/v1.23/info',
    'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  ],
] as const) {
  test(`splitVersion() refuses ${path}`, () => {
    assert.throws(() => splitVersion(path), { code: 'invalid_argument', message })
  })
}
