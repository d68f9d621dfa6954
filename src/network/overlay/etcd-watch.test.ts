import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfPrefix, EtcdError, keyValueOf } from './etcd.ts'
import { linesOf } from './etcd-watch.ts'

async function* chunks(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) found.push(line)
  return found
}

test('linesOf() joins lines that come in pieces and leaves out what has no end', async () => {
  assert.deepEqual(await collect(linesOf(chunks('{"a"', ':1}\n\n{"b":2}\n{"c', '":3}\n{"d"'))), [
    '{"a":1}',
    '{"b":2}',
    '{"c":3}',
  ])
})

test('linesOf() does not split a character in two', async () => {
  const bytes = Buffer.from('"é"\n')
  async function* halves(): AsyncGenerator<Buffer> {
    yield bytes.subarray(0, 2)
    yield bytes.subarray(2)
  }
  assert.deepEqual(await collect(linesOf(halves())), ['"é"'])
})

test('linesOf() gives up on a line without end', async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.alloc(4 * 1024 * 1024, 'x')
  }
  await assert.rejects(collect(linesOf(endless())), EtcdError)
})

test('a key of the gateway: base64, numbers as text, what is empty is absent', () => {
  const raw = { key: Buffer.from('a/b').toString('base64'), mod_revision: '12' }
  assert.deepEqual(keyValueOf(raw), { key: 'a/b', value: '', modRevision: 12, lease: '0' })
  assert.equal(endOfPrefix('a/b/'), 'a/b0')
})
