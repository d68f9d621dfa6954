import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BuildStatus, decodeBuildStatus, encodeBuildStatus } from './build-status.ts'

const status: BuildStatus = {
  vertexes: [
    {
      digest: 'sha256:a',
      inputs: ['sha256:b', 'sha256:c'],
      name: '[2/2] RUN make',
      cached: true,
      startedMs: 1_700_000_000_250,
      completedMs: 1_700_000_001_500,
      error: 'no',
    },
    {
      digest: 'sha256:b',
      inputs: [],
      name: '',
      cached: false,
      startedMs: null,
      completedMs: null,
      error: '',
    },
  ],
  logs: [
    { vertex: 'sha256:a', timeMs: 1_700_000_000_300, stream: 'stderr', bytes: new Uint8Array([0, 255, 10]) },
  ],
}

test('a status comes back as it was', () => {
  assert.deepEqual(decodeBuildStatus(encodeBuildStatus(status)), status)
})

test('the bytes are those of moby.buildkit.v1.StatusResponse', () => {
  const bytes = encodeBuildStatus({
    vertexes: [
      {
        digest: 'd',
        inputs: ['i'],
        name: 'n',
        cached: true,
        startedMs: 1500,
        completedMs: null,
        error: '',
      },
    ],
    logs: [],
  })
  assert.equal(
    Buffer.from(bytes).toString('hex'),
    '0a15' + '0a0164' + '120169' + '1a016e' + '2001' + '2a08' + '0801' + '1080cab5ee01',
  )
})

test('fields that are not known are passed over, bytes that are no message are refused', () => {
  assert.deepEqual(decodeBuildStatus(Buffer.from('120301020322020800', 'hex')), { vertexes: [], logs: [] })
  assert.throws(() => decodeBuildStatus(Buffer.from('0aff', 'hex')))
})
