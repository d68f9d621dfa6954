import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChallenges } from './challenge.ts'

test('parseChallenges() reads a bearer challenge', () => {
  const header =
    'Bearer realm="https://auth.example/token",service="reg, \\"x\\"",scope="repository:a/b:pull,push"'
  assert.deepEqual(parseChallenges(header), [
    {
      scheme: 'bearer',
      parameters: {
        realm: 'https://auth.example/token',
        service: 'reg, "x"',
        scope: 'repository:a/b:pull,push',
      },
    },
  ])
})

test('parseChallenges() reads several, and a bare scheme', () => {
  assert.deepEqual(parseChallenges('Basic realm=x, Bearer realm="y"'), [
    { scheme: 'basic', parameters: { realm: 'x' } },
    { scheme: 'bearer', parameters: { realm: 'y' } },
  ])
  assert.deepEqual(parseChallenges('Negotiate'), [{ scheme: 'negotiate', parameters: {} }])
})

test('parseChallenges() ends at what it cannot read', () => {
  assert.deepEqual(parseChallenges('"""'), [])
  assert.equal(parseChallenges(`Basic realm="${'x'.repeat(1e6)}`).length, 1)
})
