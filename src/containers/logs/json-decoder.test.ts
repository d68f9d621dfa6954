import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stdcopyFrame } from '#spec/docker/stdcopy.ts'
import { JsonDecoder } from './json-decoder.ts'

const everything = {
  stdout: true,
  stderr: true,
  timestamps: false,
  details: false,
  since: null,
  until: null,
}
const time = '2026-01-02T03:04:05.678901234Z'

function line(log: string, stream: 'stdout' | 'stderr', rest: object = {}): string {
  return `${JSON.stringify({ log, stream, ...rest, time })}\n`
}

function decode(text: string, wanted: Partial<typeof everything> = {}): Buffer {
  return new JsonDecoder({ ...everything, ...wanted }, { raw: false }).decode(Buffer.from(text))
}

const entries = [
  { name: 'a plain line', log: 'plain\n' },
  { name: 'no newline', log: 'a prompt> ' },
  { name: 'an empty line', log: '\n' },
  { name: 'newlines within', log: 'a\nb\nc\n' },
  { name: 'quotes and backslashes', log: 'say "stop", \\n is no newline\n' },
  { name: 'what looks like the end', log: '","stream":"stderr","time":"x"}\n' },
  { name: 'control characters', log: '\u001b[1mbold\u001b[0m\t\u0000\n' },
  { name: 'other scripts', log: 'Übergrößenträger 電池 🔋\n' },
  { name: 'a long line', log: `${'x'.repeat(70_000)}\n` },
] as const
for (const { name, log } of entries) {
  test(`decode() gives back ${name}, of either stream and with attributes`, () => {
    const text = line(log, 'stdout') + line(log, 'stderr') + line(log, 'stdout', { attrs: { a: 'b' } })
    const bytes = Buffer.from(log)
    const frames = [
      stdcopyFrame('stdout', bytes),
      stdcopyFrame('stderr', bytes),
      stdcopyFrame('stdout', bytes),
    ]
    assert.deepEqual(decode(text), Buffer.concat(frames))
    // What more is wanted takes the longer way, to the same end.
    assert.deepEqual(decode(text, { since: 0n as unknown as null }), Buffer.concat(frames))
  })
}

test('decode() leaves out the stream that is not wanted, and lines of another format', () => {
  const text = `garbage\n${line('out\n', 'stdout')}{"log":"cut\n{"log":"a"}\n${line('err\n', 'stderr')}`
  assert.deepEqual(decode(text, { stdout: false }), stdcopyFrame('stderr', Buffer.from('err\n')))
})

test('decode() gives raw bytes for a terminal', () => {
  const decoder = new JsonDecoder(everything, { raw: true })
  assert.equal(
    decoder.decode(Buffer.from(line('a\r\n', 'stdout') + line('b\n', 'stdout'))).toString(),
    'a\r\nb\n',
  )
})
