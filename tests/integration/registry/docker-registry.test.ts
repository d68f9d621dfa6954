import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { readFileSync } from 'node:fs'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'
import { load, openImageRoot, pull, push } from '../images/open-image-root.ts'

/** A port that nobody listens on now; who loses the race for it tries another one. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

/** Debian's docker-registry on loopback, with its files in a scratch directory. */
async function startRegistry(): Promise<{ readonly address: string } & AsyncDisposable> {
  for (let attempt = 1; ; attempt += 1) {
    const root = scratchDirectory('registry')
    const address = `127.0.0.1:${await freePort()}`
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: root } },
      http: { addr: address },
    }
    writeFileSync(`${root}/config.yml`, JSON.stringify(config))
    const child = spawn('docker-registry', ['serve', `${root}/config.yml`], { stdio: 'ignore' })
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    try {
      await until('the registry answers', async () => {
        if (child.exitCode !== null) throw new Error('the registry has exited')
        return (await fetch(`http://${address}/v2/`)).ok
      })
      return {
        address,
        async [Symbol.asyncDispose]() {
          child.kill('SIGTERM')
          await exited
        },
      }
    } catch (error) {
      child.kill('SIGKILL')
      await exited
      if (attempt === 3) throw error
    }
  }
}

test('an image goes to a real registry and comes back the same', async () => {
  await using registry = await startRegistry()
  await using first = openImageRoot()
  await using second = openImageRoot()
  await load(first, Readable.from([readFileSync(await busyboxArchive())]))
  const repository = `${registry.address}/lib/busybox`
  await first.images.tag('busybox', { repository, tag: 'v1' })
  const lines = await push(first, { repository, tag: 'v1' })
  assert.match(lines.at(-1) ?? '', /^v1: digest: sha256:[0-9a-f]{64} size: \d+$/)
  await first.images.tag('busybox', { repository: `${registry.address}/copy`, tag: 'v1' })
  const mounted = await push(first, { repository: `${registry.address}/copy`, tag: 'v1' })
  assert.ok(
    mounted.some((line) => line.endsWith('Mounted from lib/busybox')),
    mounted.join('\n'),
  )
  await pull(second, repository, { allTags: true })
  const record = second.images.get(`${repository}:v1`)
  assert.equal(record.id, first.images.get('busybox').id)
  const digest = record.repoDigests[0]?.split('@')[1] ?? ''
  assert.ok(lines.at(-1)?.includes(digest))
  await pull(second, `${registry.address}/copy@${digest}`)
  await assert.rejects(pull(second, `${repository}:nope`), {
    message: `manifest for ${repository}:nope not found: manifest unknown: manifest unknown`,
  })
})
