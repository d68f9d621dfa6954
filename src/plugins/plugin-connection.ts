import { request as httpRequest } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { PluginAddress } from './plugin-address.ts'

const MIME_TYPE = 'application/vnd.docker.plugins.v1.2+json'

/** Thrown before the plugin answered anything: the call may be made again. */
export class ConnectFailure extends Error {}

/**
 * Posts a call and waits for the head of the answer. Each call has a connection of its own, so that a plugin that was started anew
 * is never asked over a dead one.
 * @throws ConnectFailure when there was no answer; the reason of the signal when it aborts
 */
export function post(
  address: PluginAddress,
  method: string,
  options: { readonly body: object | null; readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const bytes = Buffer.from(options.body === null ? '' : JSON.stringify(options.body))
  const common: RequestOptions = {
    method: 'POST',
    path: `/${method}`,
    agent: false,
    signal: options.signal,
    headers: {
      Accept: MIME_TYPE,
      'Content-Type': MIME_TYPE,
      'Content-Length': bytes.byteLength,
      ...(address.kind === 'unix' && { Host: 'plugin.moby.localhost' }),
    },
  }
  return new Promise((resolve, reject) => {
    const sent = open(address, common)
    sent.once('response', resolve)
    sent.once('error', (error) => {
      // A signal that aborts destroys the request: its own reason says more.
      if (options.signal.aborted) reject(options.signal.reason as Error)
      else reject(new ConnectFailure(error.message, { cause: error }))
    })
    sent.end(bytes)
  })
}

function open(address: PluginAddress, common: RequestOptions): ReturnType<typeof httpRequest> {
  if (address.kind === 'unix') return httpRequest({ ...common, socketPath: address.socketPath })
  const { host, port, tls } = address
  if (tls === null) return httpRequest({ ...common, host, port })
  return httpsRequest({
    ...common,
    host,
    port,
    rejectUnauthorized: !tls.insecure,
    ...(tls.ca !== null && { ca: tls.ca }),
    ...(tls.certificate !== null && { cert: tls.certificate }),
    ...(tls.key !== null && { key: tls.key }),
  })
}

/**
 * The bytes of an answer, `limitBytes` at most.
 * @throws RangeError when there are more; the connection is closed then
 */
export async function readAnswer(answer: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > limitBytes) throw new RangeError(`the answer is longer than ${String(limitBytes)} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
