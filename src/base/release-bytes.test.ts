import assert from 'node:assert/strict'
import { test } from 'node:test'
import { releaseBytes } from './release-bytes.ts'

test('releaseBytes() gives back a buffer that nobody shares', () => {
  const whole = Buffer.alloc(100_000)
  releaseBytes(whole)
  assert.equal(whole.byteLength, 0)
})

test('releaseBytes() gives back a buffer with its last part', () => {
  const whole = Buffer.alloc(200_000)
  const [first, last] = [whole.subarray(0, 100_000), whole.subarray(100_000)]
  releaseBytes(first)
  assert.equal(last.byteLength, 100_000)
  releaseBytes(last)
  assert.equal(whole.byteLength, 0)
})

test('releaseBytes() leaves the pool alone, whichever part is told', () => {
  const parts = Array.from({ length: 64 }, () => Buffer.allocUnsafe(Buffer.poolSize / 4))
  for (const part of parts) releaseBytes(part)
  for (const part of parts) assert.equal(part.byteLength, Buffer.poolSize / 4)
})
