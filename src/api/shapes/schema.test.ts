import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, stringMap, strings } from './schema.ts'
import type { Schema } from './schema.ts'

const schema: Schema = {
  object: {
    Name: 'string',
    Count: 'integer',
    On: 'boolean',
    Cmd: 'words',
    Env: strings,
    Labels: stringMap,
    Nested: { object: { Deep: { list: { object: { Key: 'string' } } } } },
  },
}

test('decode() takes field names in any case, drops unknown fields and null', () => {
  const body = { name: 'a', COUNT: 3, Strange: {}, On: null }
  assert.deepEqual(decode(schema, body), { Name: 'a', Count: 3 })
})

test('decode() makes a list of one word, and leaves lists', () => {
  assert.deepEqual(decode(schema, { Cmd: 'sh' }), { Cmd: ['sh'] })
  assert.deepEqual(decode(schema, { Cmd: ['sh', '-c'] }), { Cmd: ['sh', '-c'] })
})

test('decode() gives null inside lists and maps the zero of their kind', () => {
  assert.deepEqual(decode(schema, { Env: ['a', null], Labels: { a: null } }), {
    Env: ['a', ''],
    Labels: { a: '' },
  })
})

test('decode() never takes a prototype for a field', () => {
  const body = JSON.parse('{"__proto__": {"Name": "x"}, "constructor": 1}') as unknown
  assert.deepEqual(Object.keys(decode<object>(schema, body)), [])
})

for (const [body, field] of [
  [{ Name: 3 }, 'Name of type string'],
  [{ Count: 1.5 }, 'Count of type integer'],
  [{ Count: '1' }, 'Count of type integer'],
  [{ Env: 'A=1' }, 'Env of type list'],
  [{ Cmd: [1] }, 'Cmd of type string'],
  [{ Labels: [] }, 'Labels of type object'],
  [{ Nested: { Deep: [{ Key: true }] } }, 'Nested.Deep.Key of type string'],
] as const) {
  test(`decode() refuses ${JSON.stringify(body)}`, () => {
    assert.throws(() => decode(schema, body), {
      code: 'invalid_argument',
      message: new RegExp(`struct field ${field}$`),
    })
  })
}
