import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import type { Endpoint } from './endpoint.ts'

/** Opens a TLS connection to a daemon, with the client's certificate when there is one. */
export function connectTls(endpoint: Extract<Endpoint, { kind: 'tcp' }>): Promise<Socket> {
  const files = endpoint.tls
  const read = (path: string | null | undefined) =>
    path === null || path === undefined ? undefined : readFileSync(path)
  return new Promise((resolve, reject) => {
    const ca = read(files?.ca)
    const cert = read(files?.cert)
    const key = read(files?.key)
    const socket = connect({
      host: endpoint.hostname,
      port: endpoint.port,
      rejectUnauthorized: files?.verify ?? true,
      ...(/^[\d.]+$|:/.test(endpoint.hostname) ? {} : { servername: endpoint.hostname }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    })
    socket.once('error', reject).once('secureConnect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
