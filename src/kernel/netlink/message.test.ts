import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attributeList, NetlinkMessage, parseAttributes, parseMessages, textOf } from './message.ts'

test('a message parses back to what was put in, past the first buffer', () => {
  const long = Buffer.alloc(700, 7)
  const message = new NetlinkMessage(16, { flags: 4, fixed: Buffer.from([1, 2, 3, 4]) })
    .text(3, 'eth0')
    .nest(18, (inner) => inner.u32(1, 0xfffffffe).bytes(2, long))
    .u8(5, 9)
  const [reply, ...rest] = parseMessages(message.finish(77))
  assert.equal(rest.length, 0)
  assert.ok(reply !== undefined)
  assert.deepEqual([reply.type, reply.flags, reply.sequence], [16, 5, 77])
  const attributes = parseAttributes(reply.payload, 4)
  assert.equal(textOf(attributes.get(3) ?? Buffer.alloc(0)), 'eth0')
  assert.equal(attributes.get(5)?.readUInt8(), 9)
  const inner = parseAttributes(attributes.get(18) ?? Buffer.alloc(0))
  assert.equal(inner.get(1)?.readUInt32LE(), 0xfffffffe)
  assert.deepEqual(inner.get(2), long)
})

test('parsing stops at a length that does not fit', () => {
  assert.deepEqual(parseMessages(Buffer.from([255, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])), [])
  assert.deepEqual(attributeList(Buffer.from([3, 0, 1, 0])), [])
})
