import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Query } from './query.ts'

test('boolean() is true unless the value says no', () => {
  const query = new Query('a=1&b=yes&c=0&d=No&e=NONE&f=&g=False&h')
  const values = [...'abcdefgh'].map((name) => query.boolean(name))
  assert.deepEqual(values, [true, true, false, false, false, false, false, false])
  assert.equal(query.boolean('absent', true), true)
})

test('integer() is null when absent and refuses words', () => {
  const query = new Query('n=-3&w=three&e=')
  assert.equal(query.integer('n'), -3)
  assert.equal(query.integer('e'), null)
  assert.equal(query.integer('absent'), null)
  assert.throws(() => query.integer('w'), { code: 'invalid_argument' })
})

test('text() gives the first of several values, all() every one', () => {
  const query = new Query('t=a&t=b%3A1')
  assert.equal(query.text('t'), 'a')
  assert.deepEqual(query.all('t'), ['a', 'b:1'])
})
