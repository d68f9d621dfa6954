import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import type { NetworkRoot } from './network-root.ts'

const dying = fileURLToPath(new URL('./dying-daemon.ts', import.meta.url))

/** Runs networking in a process of its own that makes two sandboxes and dies by SIGKILL; returns what it had said until then. */
export async function makeAndDie(
  root: NetworkRoot,
  asked: {
    readonly port: number
    readonly failpoints?: string
    readonly network?: NetworkCreateRequest
    readonly plugins?: string
  },
): Promise<{ ids: string[]; netns: string[] }> {
  const { log: _log, events: _events, plugins: _plugins, ...options } = root.options()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', dying], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(
    JSON.stringify({ failpoints: '', network: null, plugins: null, ...asked, root: root.root, options }),
  )
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const signal = await new Promise((resolve) => child.once('close', (_code, name) => resolve(name)))
  assert.equal(signal, 'SIGKILL')
  const made = said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
  return { ids: made.map(([id]) => id ?? ''), netns: made.map(([, path]) => path ?? '') }
}
