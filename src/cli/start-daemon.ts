import { spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { DEFAULT_HOST } from './config.ts'

const START_DEADLINE_MS = 20_000
const POLL_MS = 20
const LOG = '/var/log/wharf.log'

/**
 * Starts a daemon at the default address when none listens there and the user may: the first `wharf` command on a
 * machine just works. Any other address is the user's business. When it cannot, the command fails as without a daemon.
 */
export async function ensureDaemon(host: string): Promise<void> {
  if (host !== DEFAULT_HOST) return
  const path = host.slice('unix://'.length)
  if ((await listens(path)) !== 'no' || process.getuid?.() !== 0) return
  const program = daemonProgram()
  if (program === null) return
  mkdirSync('/var/log', { recursive: true })
  const log = openSync(LOG, 'a', 0o640)
  const child = spawn(program, [], { detached: true, stdio: ['ignore', log, log], cwd: '/' })
  let ended = false
  child.once('exit', () => (ended = true)).once('error', () => (ended = true))
  child.unref()
  const deadline = Date.now() + START_DEADLINE_MS
  while (Date.now() < deadline && (await listens(path)) !== 'yes') {
    if (ended) {
      // Another command may have started one at the same instant; then that one listens.
      if ((await listens(path)) === 'yes') return
      process.stderr.write(`wharf: the daemon could not be started: see ${LOG}\n`)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function listens(path: string): Promise<'yes' | 'no' | 'forbidden'> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('yes')
    })
    socket.once('error', (error) => resolve('code' in error && error.code === 'EACCES' ? 'forbidden' : 'no'))
  })
}

/** `bin/wharfd` beside this program: two folders up from dist/ and from src/cli/ alike. */
function daemonProgram(): string | null {
  for (const relative of ['../bin/wharfd', '../../bin/wharfd', '../../../bin/wharfd']) {
    const path = fileURLToPath(new URL(relative, import.meta.url))
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not laid out like this: try the next.
    }
  }
  return null
}
