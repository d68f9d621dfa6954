import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import { failure, localAnswer, parseQuery, secondsToKeep } from './answer.ts'
import { addressOfReverseName } from './resolve.ts'

const query = (name: string, type: 'A' | 'PTR' = 'A'): Buffer =>
  encode({ type: 'query', id: 4711, flags: 0x100, questions: [{ name, type }] })

test('parseQuery() takes one question and nothing else', () => {
  assert.equal(parseQuery(query('web'))?.question.name, 'web')
  for (const bad of [
    Buffer.alloc(0),
    Buffer.from('garbage'),
    query('web').subarray(0, 14),
    encode({ type: 'query', id: 1, questions: [] }),
    encode({ type: 'response', id: 1, questions: [{ name: 'web', type: 'A' }] }),
  ]) {
    assert.equal(parseQuery(bad), null)
  }
})

test('answers carry the id, the question and all addresses; too many are truncated over UDP', () => {
  const read = parseQuery(query('web'))
  assert.ok(read !== null)
  const few = decode(localAnswer(read, { kind: 'addresses', addresses: ['10.0.0.1', '10.0.0.2'] }, false))
  assert.deepEqual([few.id, (few.flags ?? 0) & 15, few.answers?.length], [4711, 0, 2])
  const addresses = Array.from({ length: 60 }, (_, index) => `10.0.0.${String(index)}`)
  const udp = localAnswer(read, { kind: 'addresses', addresses }, false)
  assert.ok(udp.length <= 512 && decode(udp).flag_tc)
  assert.equal(decode(localAnswer(read, { kind: 'addresses', addresses }, true)).answers?.length, 60)
  assert.equal((decode(failure(read)).flags ?? 0) & 15, 2)
})

test('an answer is kept for its shortest time, garbage not at all', () => {
  const answers = [30, 5].map((ttl) => ({ name: 'x', type: 'A' as const, ttl, data: '10.0.0.1' }))
  assert.equal(secondsToKeep(encode({ type: 'response', id: 1, answers })), 5)
  assert.equal(secondsToKeep(Buffer.from('x')), 0)
})

test('reverse names are addresses', () => {
  assert.equal(addressOfReverseName('2.0.18.172.in-addr.arpa'), '172.18.0.2')
  assert.equal(addressOfReverseName('300.0.18.172.in-addr.arpa'), null)
  assert.equal(addressOfReverseName(`${'1.'}${'0.'.repeat(27)}0.0.d.f.ip6.arpa`), 'fd00::1')
  assert.equal(addressOfReverseName('web'), null)
})
