import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { silentLogger } from '#base/logger.ts'
import { BugError, ConflictError, NotModifiedError } from '#errors/errors.ts'
import type { Backends } from './backends.ts'
import { API_SERVER_OPTIONS, ApiServer } from './server.ts'
import type { ApiOptions } from './server.ts'

interface Answer {
  readonly status: number
  readonly body: string
}

/** An API over these backends, and a way to ask it. */
async function serve(
  t: TestContext,
  backends: object,
  options: Partial<ApiOptions> = {},
): Promise<(method: string, path: string) => Promise<Answer>> {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-api-'))
  const socketPath = join(directory, 's')
  const api = new ApiServer(backends as Backends, { log: silentLogger, version: '0.0.0', ...options })
  const server = createServer(API_SERVER_OPTIONS)
  api.serve(server)
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  t.after(() => {
    server.close()
    api.closeConnections()
    rmSync(directory, { recursive: true })
  })
  return (method, path) =>
    new Promise((resolve, reject) => {
      const sent = send({ socketPath, method, path, agent: false }, (answer) => {
        let body = ''
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
        answer.on('error', reject)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
      })
      sent.on('error', reject)
      sent.end()
    })
}

const volumes = {
  list: () => Promise.resolve({ Volumes: [], Warnings: null }),
  prune: () => Promise.resolve({ VolumesDeleted: [], SpaceReclaimed: 0 }),
}

test('requests that only look are answered before the daemon is ready, others wait', async (t) => {
  const { promise: ready, resolve: setReady } = Promise.withResolvers<void>()
  const ask = await serve(t, { volumes }, { ready })
  let isPruned = false
  const pruned = ask('POST', '/volumes/prune').then((answer) => {
    isPruned = true
    return answer
  })
  assert.equal((await ask('GET', '/volumes')).status, 200)
  assert.equal(isPruned, false)
  setReady()
  assert.equal((await pruned).status, 200)
})

for (const [name, error, answer] of [
  ['a conflict', new ConflictError('it is in use'), { status: 409, body: '{"message":"it is in use"}\n' }],
  ['nothing to do', new NotModifiedError(''), { status: 304, body: '' }],
  ['a fault of ours', new BugError('oops'), { status: 500, body: '{"message":"oops"}\n' }],
  [
    'anything else',
    new TypeError('x is not a function'),
    { status: 500, body: '{"message":"x is not a function"}\n' },
  ],
] as const) {
  test(`${name} becomes ${String(answer.status)}`, async (t) => {
    const ask = await serve(t, { volumes: { list: () => Promise.reject(error) } })
    assert.deepEqual(await ask('GET', '/volumes'), answer)
  })
}

test('an error before the first line of progress is an answer, after it the last line', async (t) => {
  const images = {
    pull: async ({ reference, progress }: { reference: string; progress: (line: object) => void }) => {
      if (reference.startsWith('late')) progress({ status: 'Pulling' })
      throw new ConflictError('no')
    },
  }
  const ask = await serve(t, { images })
  assert.deepEqual(await ask('POST', '/images/create?fromImage=early'), {
    status: 409,
    body: '{"message":"no"}\n',
  })
  assert.deepEqual(await ask('POST', '/images/create?fromImage=late'), {
    status: 200,
    body: '{"status":"Pulling"}\r\n{"errorDetail":{"message":"no"},"error":"no"}\r\n',
  })
})

test('a stream that fails half-way is cut, so that nobody takes it for whole', async (t) => {
  const containers = {
    stats: () =>
      Promise.resolve(
        (async function* () {
          yield { read: '1' }
          throw new Error('gone')
        })(),
      ),
  }
  const ask = await serve(t, { containers })
  await assert.rejects(ask('GET', '/containers/x/stats'), /aborted|hang up|ECONNRESET/)
})
