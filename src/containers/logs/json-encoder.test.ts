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
  return new JsonEncoder().encode(input, { limitBytes: Infinity, ends: true }).output.toString()
}

test('encode() writes a full line with its newline and the time in UTC', () => {
  assert.equal(encode('hello'), '{"log":"hello\\n","stream":"stdout","time":"2026-01-02T03:04:05.12Z"}\n')
})

test('encode() leaves the newline out of a line that never ends', () => {
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
  assert.equal(
    new JsonEncoder().encode(input, { limitBytes: Infinity, ends: false }).consumed,
    line.length * 2,
  )
  assert.equal(new JsonEncoder().encode(input, { limitBytes: 1, ends: false }).consumed, line.length)
})

test('encode() adds attributes, sorted', () => {
  const { output } = new JsonEncoder({ b: '2', a: '1' }).encode(Buffer.from(`${TIME} stdout F x\n`), {
    limitBytes: Infinity,
    ends: false,
  })
  assert.match(output.toString(), /"stream":"stdout","attrs":\{"a":"1","b":"2"\},"time"/)
})

test('utcTime() turns an offset into UTC and drops zeros', () => {
  assert.equal(utcTime('2026-01-02T03:04:05.000000000+02:00'), '2026-01-02T01:04:05Z')
})

/** The texts and times of what becomes of some entries, and how much was taken. */
function joined(entries: readonly string[], ends: boolean): { texts: string[]; left: number } {
  const input = Buffer.from(entries.map((entry) => `${entry}\n`).join(''))
  const { output, consumed } = new JsonEncoder().encode(input, { limitBytes: Infinity, ends })
  const lines = output.toString().split('\n').slice(0, -1)
  return { texts: lines.map((line) => JSON.parse(line).log as string), left: input.length - consumed }
}

test('encode() puts together what conmon cut, characters too, and tells the time of the beginning', () => {
  const euro = Buffer.from('€')
  const input = Buffer.concat([
    Buffer.from(`${TIME} stdout P a`),
    euro.subarray(0, 1),
    Buffer.from(`\n2026-01-02T03:04:06+00:00 stdout F `),
    euro.subarray(1),
    Buffer.from('b\n'),
  ])
  const { output } = new JsonEncoder().encode(input, { limitBytes: Infinity, ends: false })
  assert.deepEqual(JSON.parse(output.toString()), {
    log: 'a€b\n',
    stream: 'stdout',
    time: '2026-01-02T03:04:05.12Z',
  })
})

test('encode() leaves a line that has not ended, and all behind it, until it ends or nothing follows', () => {
  const entries = [`${TIME} stdout F a`, `${TIME} stdout P b`, `${TIME} stderr F c`]
  assert.deepEqual(joined(entries, false).texts, ['a\n'])
  assert.ok(joined(entries, false).left > 0)
  assert.deepEqual(joined(entries, true), { texts: ['a\n', 'c\n', 'b'], left: 0 })
  assert.deepEqual(joined([...entries, `${TIME} stdout F d`], false), {
    texts: ['a\n', 'c\n', 'bd\n'],
    left: 0,
  })
})

test('encode() cuts long lines where Docker does', () => {
  const [half, rest] = ['x'.repeat(8192), 'y'.repeat(100)]
  const sizes = (entries: readonly string[]): number[] =>
    joined(entries, false).texts.map((text) => text.length)
  const entries = [half, half, half].map((text) => `${TIME} stdout P ${text}`)
  assert.deepEqual(sizes([...entries, `${TIME} stdout F ${rest}`]), [16_384, 8_293])
  assert.deepEqual(sizes([...entries.slice(1), `${TIME} stdout F `]), [16_384, 1])
})

test('encode() does not wait for ever for a line without an end when another stream goes on', () => {
  const noise = Array.from({ length: 2_000 }, (_, n) => `${TIME} stderr F ${String(n)}`)
  const { texts } = joined([`${TIME} stdout P prompt`, ...noise], false)
  assert.ok(texts.includes('prompt'))
  assert.ok(texts.includes('1000\n'))
})
