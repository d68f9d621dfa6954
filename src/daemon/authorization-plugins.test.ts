import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { RequestFacts } from '#api/authorization.ts'
import { silentLogger } from '#base/logger.ts'
import { openPlugins } from '#plugins/open-plugins.ts'
import type { Plugins } from '#plugins/plugins.ts'
import { createAuthorizer } from './authorization-plugins.ts'

interface Question {
  readonly path: string
  readonly body: Record<string, unknown>
}

/** A plugin that answers as it is told, and what it was asked. */
async function startPlugin(
  t: TestContext,
  answer: (question: Question) => object,
): Promise<{ directory: string; asked: Question[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-authz-'))
  const asked: Question[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const question = {
        path: request.url ?? '',
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
      }
      asked.push(question)
      const isActivation = question.path === '/Plugin.Activate'
      response.end(JSON.stringify(isActivation ? { Implements: ['authz'] } : answer(question)))
    })
  })
  await new Promise<void>((resolve) => server.listen(join(directory, 'guard.sock'), resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
    rmSync(directory, { recursive: true })
  })
  return { directory, asked }
}

const pluginsOf = (directory: string): Plugins =>
  openPlugins({ logger: silentLogger, directories: { sockets: directory, specs: [] } })

const request: RequestFacts = {
  method: 'POST',
  uri: '/v1.41/containers/create?name=x',
  headers: { host: 'docker' },
  body: '{"Image":"busybox"}',
  user: 'alice',
}

test('checkRequest() tells the plugin who asks for what, and passes what it allows', async (t) => {
  const { directory, asked } = await startPlugin(t, () => ({ Allow: true }))
  await createAuthorizer(['guard'], pluginsOf(directory)).checkRequest(request)
  assert.deepEqual(
    asked.map(({ path }) => path),
    ['/Plugin.Activate', '/AuthZPlugin.AuthZReq'],
  )
  assert.deepEqual(asked[1]?.body, {
    User: 'alice',
    UserAuthNMethod: 'TLS',
    RequestMethod: 'POST',
    RequestUri: '/v1.41/containers/create?name=x',
    RequestHeaders: { host: 'docker' },
    RequestBody: Buffer.from('{"Image":"busybox"}').toString('base64'),
  })
})

test('checkRequest() refuses what the plugin refuses', async (t) => {
  const { directory } = await startPlugin(t, () => ({ Allow: false, Msg: 'not today' }))
  const authorizer = createAuthorizer(['guard'], pluginsOf(directory))
  await assert.rejects(authorizer.checkRequest(request), {
    code: 'permission_denied',
    message: 'authorization denied by plugin guard: not today',
  })
})

test('checkRequest() refuses when the plugin has an error, says nothing, or is not there', async (t) => {
  const { directory } = await startPlugin(t, () => ({ Allow: true, Err: 'out of order' }))
  const authorizer = createAuthorizer(['guard'], pluginsOf(directory))
  await assert.rejects(authorizer.checkRequest(request), {
    message: 'plugin guard failed with error: out of order',
  })
  const absent = createAuthorizer(['absent'], pluginsOf(directory))
  await assert.rejects(absent.checkRequest(request), {
    message: 'plugin absent failed with error: plugin "absent" not found',
  })
})

test('checkAnswer() shows the answer to the plugin, which may keep it back', async (t) => {
  const { directory, asked } = await startPlugin(t, ({ path }) => ({ Allow: path.endsWith('AuthZReq') }))
  const authorizer = createAuthorizer(['guard'], pluginsOf(directory))
  await authorizer.checkRequest(request)
  const answer = { status: 201, headers: {}, body: '{"Id":"1"}' }
  await assert.rejects(authorizer.checkAnswer(request, answer), { code: 'permission_denied' })
  const last = asked.at(-1)?.body
  assert.equal(last?.['ResponseStatusCode'], 201)
  assert.equal(last['ResponseBody'], Buffer.from('{"Id":"1"}').toString('base64'))
})
