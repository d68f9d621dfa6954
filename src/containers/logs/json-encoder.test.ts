import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonEncoder, utcTime } from './json-encoder.ts'

const TIME = '2026-01-02T03:04:05.120000000+00:00'

function encode(content: Buffer | string, flag = 'F'): string {
  const input = Buffer.concat([
    Buffer.from(`${TIME} stdout ${flag} `),
    Buffer.from(content),
    Buffer.from('\n'),
  ])
  return new JsonEncoder().encode(input, Infinity).output.toString()
}

test('encode() writes a full line with its newline and the time in UTC', () => {
  assert.equal(encode('hello'), '{"log":"hello\\n","stream":"stdout","time":"2026-01-02T03:04:05.12Z"}\n')
})

test('encode() leaves the newline out of a partial line', () => {
  assert.equal(JSON.parse(encode('part', 'P')).log, 'part')
})

const texts = [
  'quote " back \\ tab \t cr \r',
  '<b>&amp;</b>',
  'grün 漢字 🎉',
  'nul \0 esc \x1b',
  'ls \u2028 ps \u2029',
  '',
]
for (const text of texts) {
  test(`encode() gives ${JSON.stringify(text)} back through JSON`, () => {
    assert.equal(JSON.parse(encode(text)).log, `${text}\n`)
  })
}

test('encode() replaces each byte that is no UTF-8', () => {
  assert.equal(JSON.parse(encode(Buffer.from([0x61, 0xff, 0xc3, 0x62]))).log, 'a\ufffd\ufffdb\n')
})

test('encode() leaves an unfinished line and stops at the limit', () => {
  const line = `${TIME} stderr F x\n`
  const input = Buffer.from(`${line}${line}${TIME} stdo`)
  assert.equal(new JsonEncoder().encode(input, Infinity).consumed, line.length * 2)
  assert.equal(new JsonEncoder().encode(input, 1).consumed, line.length)
})

test('encode() adds attributes, sorted', () => {
  const { output } = new JsonEncoder({ b: '2', a: '1' }).encode(Buffer.from(`${TIME} stdout F x\n`), Infinity)
  assert.match(output.toString(), /"stream":"stdout","attrs":\{"a":"1","b":"2"\},"time"/)
})

test('utcTime() turns an offset into UTC and drops zeros', () => {
  assert.equal(utcTime('2026-01-02T03:04:05.000000000+02:00'), '2026-01-02T01:04:05Z')
})
