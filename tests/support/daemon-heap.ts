import type { Wharfd } from './wharfd.ts'
import { until } from './until.ts'

/**
 * Asks a daemon from the sources, by Node's inspector, how many bytes of its JavaScript heap live objects take. Opens the inspector on a
 * free port of loopback at the first call (SIGUSR1): the daemon must have been started with `NODE_OPTIONS: '--inspect-port=127.0.0.1:0'`.
 */
export async function heapBytes(daemon: Wharfd): Promise<number> {
  process.kill(daemon.pid, 'SIGUSR1')
  const url = await until('the inspector listens', () => /ws:\/\/\S+/.exec(daemon.log())?.[0])
  const socket = new WebSocket(url)
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    await ask(socket, 'HeapProfiler.collectGarbage')
    const { usedSize } = await ask(socket, 'Runtime.getHeapUsage')
    return usedSize as number
  } finally {
    socket.close()
  }
}

let asked = 0

function ask(socket: WebSocket, method: string): Promise<Record<string, unknown>> {
  const id = (asked += 1)
  return new Promise((resolve, reject) => {
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as {
        id?: number
        result?: Record<string, unknown>
        error?: unknown
      }
      if (answer.id !== id) return
      if (answer.result === undefined) reject(new Error(`${method}: ${JSON.stringify(answer.error)}`))
      else resolve(answer.result)
    })
    socket.send(JSON.stringify({ id, method }))
  })
}
