import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Router } from './router.ts'

const nothing = (): void => {}
const router = new Router()
  .add('GET', '/images/json', nothing)
  .add('GET', '/images/:name*/json', nothing)
  .add('DELETE', '/images/:name*', nothing)
  .add('GET', '/containers/:id*/json', nothing)

for (const [method, path, pattern, params] of [
  ['GET', '/images/json', '/images/json', {}],
  ['GET', '/images/host:5000/a/b:c/json', '/images/:name*/json', { name: 'host:5000/a/b:c' }],
  ['DELETE', '/images/a%2Fb', '/images/:name*', { name: 'a/b' }],
  ['GET', '/containers/x/json', '/containers/:id*/json', { id: 'x' }],
  ['GET', '/containers/parent/alias/json', '/containers/:id*/json', { id: 'parent/alias' }],
] as const) {
  test(`match() finds ${method} ${path}`, () => {
    const match = router.match(method, path)
    assert.equal(match?.pattern, pattern)
    assert.deepEqual(match.params, params)
  })
}

for (const [method, path] of [
  ['POST', '/images/json'],
  ['GET', '/containers/x/json/y'],
  ['GET', '/containers//json'],
  ['GET', '/containers/%zz/json'],
  ['GET', '/'],
] as const) {
  test(`match() finds nothing for ${method} ${path}`, () => {
    assert.equal(router.match(method, path), null)
  })
}
