import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../support/engine.ts'
import { onBoth } from './both.ts'

const script = fileURLToPath(new URL('./testdata/docker_py.py', import.meta.url))
const parts = ['ping linux', 'run', 'exec', 'archives', 'life', 'volumes and networks', 'images', 'streams']

await onBoth('docker-py', (engine) => {
  test('does all of its work', async () => {
    const result = await run(['/usr/bin/python3', '-W', 'ignore', script], {
      env: { DOCKER_HOST: `unix://${engine().socketPath}`, PYTHONDONTWRITEBYTECODE: '1' },
      timeoutMs: 200_000,
    })
    assert.deepEqual(result.stdout.trim().split('\n'), parts, `${result.stderr}\n${engine().logTail()}`)
    assert.equal(result.exitCode, 0)
  })
})
