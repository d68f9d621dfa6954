import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { scratchTag } from '../../support/scratch.ts'
import { Wharfd } from '../../support/wharfd.ts'

describe('a daemon with an authorization plugin', () => {
  const socket = `/run/docker/plugins/${scratchTag}.sock`
  let plugin: Server | null = null
  let daemon: Wharfd | null = null
  const engine = (): Wharfd => daemon as Wharfd

  /** Refuses to remove volumes, to make those called secret, and to show the one called hidden. */
  const judge = (path: string, body: Record<string, unknown>): object => {
    const sent = Buffer.from((body['RequestBody'] as string | undefined) ?? '', 'base64').toString()
    const shown = Buffer.from((body['ResponseBody'] as string | undefined) ?? '', 'base64').toString()
    if (path === '/Plugin.Activate') return { Implements: ['authz'] }
    if (body['RequestMethod'] === 'DELETE') return { Allow: false, Msg: 'nothing is removed' }
    return { Allow: !sent.includes('secret') && !shown.includes('hidden') }
  }

  before(async () => {
    mkdirSync('/run/docker/plugins', { recursive: true })
    plugin = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => (text += chunk.toString()))
      request.on('end', () => {
        response.end(
          JSON.stringify(judge(request.url ?? '', JSON.parse(text || '{}') as Record<string, unknown>)),
        )
      })
    })
    await new Promise<void>((resolve) => plugin?.listen(socket, resolve))
    daemon = await Wharfd.startWithBusybox({ flags: ['--authorization-plugin', scratchTag] })
  })
  after(async () => {
    // Its clearing up must be allowed.
    await engine().terminate()
    await engine().restart({})
    await daemon?.stop()
    plugin?.close()
    plugin?.closeAllConnections()
    rmSync(socket, { force: true })
  })

  test('what the plugin allows is done, streams too', async () => {
    assert.equal(await engine().ok('run', '--rm', 'busybox', 'echo', 'allowed'), 'allowed')
  })

  test('what it refuses is not done', async () => {
    await engine().call('POST', '/volumes/create', { Name: 'plain' })
    const refused = await engine().api('DELETE', '/volumes/plain')
    assert.equal(refused.status, 403)
    assert.deepEqual(refused.body, {
      message: `authorization denied by plugin ${scratchTag}: nothing is removed`,
    })
    assert.equal((await engine().api('GET', '/volumes/plain')).status, 200)
  })

  test('bodies are shown to it', async () => {
    assert.equal((await engine().api('POST', '/volumes/create', { Name: 'secret' })).status, 403)
    assert.equal((await engine().api('GET', '/volumes/secret')).status, 404)
  })

  test('answers are shown to it before they are sent', async () => {
    const refused = await engine().api('POST', '/volumes/create', { Name: 'hidden' })
    assert.equal(refused.status, 403)
    assert.doesNotMatch(JSON.stringify(refused.body), /hidden/)
  })
})
