import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indentJson, parseJson, writeJson } from './json.ts'

test('parseJson() keeps whole numbers that a double cannot hold', () => {
  const text = '{"a":9223372036854771712,"b":1,"c":1.5}'
  assert.deepEqual(parseJson(text), { a: 9223372036854771712n, b: 1, c: 1.5 })
  assert.equal(writeJson(parseJson(text)), text)
})

test('writeJson() escapes for HTML only when asked', () => {
  assert.equal(writeJson({ a: '<&>' }), '{"a":"<&>"}')
  assert.equal(writeJson({ a: '<&>' }, { escapeHtml: true }), '{"a":"\\u003c\\u0026\\u003e"}')
})

test('indentJson() changes blanks only', () => {
  assert.equal(
    indentJson('{"a":[],"b":{},"c":[1,{"d":"x{,}:\\" "}],"e":1e400}'),
    [
      '{',
      '    "a": [],',
      '    "b": {},',
      '    "c": [',
      '        1,',
      '        {',
      '            "d": "x{,}:\\" "',
      '        }',
      '    ],',
      '    "e": 1e400',
      '}',
    ].join('\n'),
  )
})
