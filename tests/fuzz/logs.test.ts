import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonEncoder } from '#containers/logs/json-encoder.ts'
import { MessageBatches } from '#containers/logs/message-batches.ts'
import { parseDurationMs, parseRegex } from '#containers/logs/go-values.ts'
import { logTag } from '#containers/logs/log-tag.ts'
import { parseSinkAddress } from '#containers/logs/drivers/sink-address.ts'
import { parseJsonFile, parseSpecFile } from '#plugins/plugin-address.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

/** mulberry32: the same numbers at each run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below) | 0
  }
}

const STREAMS = ['stdout', 'stderr'] as const

/** What two streams wrote, and conmon's log of it: cut anywhere, mixed anyhow. */
function spool(next: (below: number) => number): {
  bytes: Buffer
  written: Readonly<Record<(typeof STREAMS)[number], Buffer>>
} {
  const entries: Buffer[] = []
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  for (let n = next(200); n >= 0; n -= 1) {
    const stream = STREAMS[next(2)]!
    const content = Buffer.from(
      Array.from({ length: next(next(8) === 0 ? 9_000 : 40) }, () => {
        const byte = next(256)
        return byte === 0x0a ? 0x20 : byte
      }),
    )
    const isPart = next(3) === 0
    const time = `2026-01-02T03:04:05.${String(next(1e9)).padStart(9, '0')}+00:00`
    if (next(40) === 0) entries.push(Buffer.from('what is none of conmon\n'))
    entries.push(Buffer.from(`${time} ${stream} ${isPart ? 'P' : 'F'} `), content, Buffer.from('\n'))
    written[stream].push(content)
    if (!isPart) written[stream].push(Buffer.from('\n'))
  }
  return {
    bytes: Buffer.concat(entries),
    written: { stdout: Buffer.concat(written.stdout), stderr: Buffer.concat(written.stderr) },
  }
}

test('what is put together again is what was written, however it was cut and offered', () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const next = random(seed)
    const { bytes, written } = spool(next)
    const batches = new MessageBatches()
    const got: Record<string, Buffer[]> = { stdout: [], stderr: [] }
    let stuck = 0
    for (let at = 0, shown = 0; at < bytes.length;) {
      shown = Math.min(bytes.length, Math.max(shown, at) + next(20_000) * (stuck + 1))
      const end = bytes.lastIndexOf(0x0a, shown - 1) + 1
      const ends = end === bytes.length
      if (end <= at) continue
      const { messages, consumed } = batches.next(bytes.subarray(at, end), { ends })
      for (const { stream, content, partial } of messages) {
        got[stream]!.push(content)
        if (!partial) got[stream]!.push(Buffer.from('\n'))
      }
      stuck = consumed === 0 ? stuck + 1 : 0
      assert.ok(stuck < 200 && (consumed > 0 || !ends), `seed ${seed}: it does not go on`)
      at += consumed
    }
    for (const stream of STREAMS) {
      assert.ok(Buffer.concat(got[stream]!).equals(written[stream]), `seed ${seed}: ${stream}`)
    }
  }
})

test('each line of the file is JSON, whatever the bytes', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = random(seed)
    const { bytes, written } = spool(next)
    const encoder = new JsonEncoder()
    const texts = { stdout: '', stderr: '' }
    for (let at = 0; at < bytes.length;) {
      const { consumed, output } = encoder.encode(bytes.subarray(at), { limitBytes: 5_000, ends: true })
      for (const line of output
        .toString()
        .split('\n')
        .filter((text) => text !== '')) {
        const { log, stream } = JSON.parse(line) as { log: string; stream: 'stdout' | 'stderr' }
        texts[stream] += log
      }
      assert.ok(consumed > 0, `seed ${seed}`)
      at += consumed
    }
    // Characters of a line are whole again; only lines of more than 16 KiB are cut inside them, as in Docker.
    for (const stream of STREAMS) {
      const ends = (text: string): number => text.split('\n').length
      assert.equal(ends(texts[stream]), ends(written[stream].toString()), `seed ${seed}: ${stream}`)
    }
  }
})

test('nonsense in options and files of plugins is refused, and nothing else happens', () => {
  const pieces = [
    'unix://',
    'tcp://',
    '://',
    '{',
    '}',
    '"Addr":',
    '"',
    '[',
    ']',
    ':',
    '/',
    '%',
    '{{',
    '}}',
    '.ID',
  ]
  pieces.push(
    '|',
    'lower',
    '(',
    ')',
    '*',
    '1h',
    '5',
    'ms',
    '-',
    '\0',
    'é',
    ',',
    '"TLSConfig":',
    '{}',
    ' ',
    '\\',
  )
  const facts = {
    ID: 'i',
    FullID: 'f',
    Name: 'n',
    ImageID: 'I',
    ImageFullID: 'F',
    ImageName: 'N',
    DaemonName: 'd',
  }
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const next = random(seed)
    const text = Array.from({ length: next(9) }, () => pieces[next(pieces.length)]).join('')
    for (const parse of [
      () => parseSpecFile(text, 'x.spec'),
      () => parseJsonFile(text, 'x.json'),
      () => logTag(text, facts),
      () => parseDurationMs(text),
      () => parseRegex(text),
      () => parseSinkAddress(text, { schemes: ['tcp', 'unix'], defaultPort: 1, words: ({ kind }) => kind }),
    ]) {
      try {
        parse()
      } catch (error) {
        assert.ok(error instanceof InvalidArgumentError, `${JSON.stringify(text)}: ${String(error)}`)
      }
    }
  }
})
