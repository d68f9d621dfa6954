import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonFault } from './json-fault.ts'

const cases: readonly (readonly [text: string, fault: string])[] = [
  ['{', 'invalid JSON: unexpected EOF'],
  ['{"a"', 'invalid JSON: unexpected EOF'],
  ['{"a":"b', 'invalid JSON: unexpected EOF'],
  ['x', "invalid JSON: invalid character 'x' looking for beginning of value"],
  ['{a: 1}', "invalid JSON: invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid JSON: invalid character '1' after object key"],
  ['{"a":1 "b":2}', `invalid JSON: invalid character '"' after object key:value pair`],
  ['{"a":1,}', "invalid JSON: invalid character '}' looking for beginning of object key string"],
  ['[1,]', "invalid JSON: invalid character ']' looking for beginning of value"],
  ['[1 2]', "invalid JSON: invalid character '2' after array element"],
  ['{"a":trux}', "invalid JSON: invalid character 'x' in literal true (expecting 'e')"],
  ['{"a":"\\q"}', "invalid JSON: invalid character 'q' in string escape code"],
  ['{"a":"\n"}', "invalid JSON: invalid character '\\n' in string literal"],
  ["{'a':1}", "invalid JSON: invalid character '\\'' looking for beginning of object key string"],
  ['{}x', 'unexpected content after JSON'],
  ['{} {}', 'unexpected content after JSON'],
]

for (const [text, fault] of cases) {
  test(`jsonFault() of ${JSON.stringify(text)}`, () => {
    assert.throws(() => JSON.parse(text))
    assert.equal(jsonFault(text), fault)
  })
}
