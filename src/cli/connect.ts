import { connect } from 'node:net'
import { Client } from '#client/client.ts'
import { parseEndpoint } from '#client/endpoint.ts'
import { messageOf } from '#errors/errors.ts'
import type { CliConfig } from './config.ts'
import { resolveEndpoint } from './contexts/resolve.ts'
import type { ResolvedEndpoint } from './contexts/resolve.ts'
import { ExitError } from './core/exit.ts'
import type { Output } from './core/output.ts'
import { DEFAULT_HOST } from './config.ts'

/** Makes the client for the daemon that flags, environment and contexts choose. */
export async function connectClient(options: {
  globals: Readonly<Record<string, unknown>>
  config: CliConfig
  err: Output
}): Promise<Client> {
  const { globals, config } = options
  const { host, tls } = resolve({ globals, config })
  if (host === DEFAULT_HOST) {
    if (!(await listens(host.slice('unix://'.length)))) {
      const { ensureDaemon } = await import('./start-daemon.ts')
      await ensureDaemon(host)
    }
  }
  return new Client({
    host,
    tls,
    apiVersion: config.apiVersion === '' ? null : config.apiVersion,
    headers: config.file.HttpHeaders ?? {},
  })
}

/** A context or an address that cannot be is told as the client's own failure, not the daemon's. */
function resolve(choice: {
  globals: Readonly<Record<string, unknown>>
  config: CliConfig
}): ResolvedEndpoint {
  try {
    const found = resolveEndpoint(choice)
    parseEndpoint(found.host, found.tls)
    return found
  } catch (error) {
    throw new ExitError(1, `Failed to initialize: unable to resolve docker endpoint: ${messageOf(error)}`)
  }
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket
      .once('error', () => resolve(false))
      .once('connect', () => {
        socket.destroy()
        resolve(true)
      })
  })
}
