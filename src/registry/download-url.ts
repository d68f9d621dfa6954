import type { Readable } from 'node:stream'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { HttpTransport } from './http-transport.ts'

/**
 * Opens what a URL names, as `docker import` does: without a scheme it is HTTP.
 * @throws InvalidArgumentError for what is no HTTP URL, or answers with an error.
 */
export async function downloadUrl(
  transport: HttpTransport,
  text: string,
  signal: AbortSignal,
): Promise<Readable> {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError(`unsupported protocol in URL ${JSON.stringify(text)}`)
  const response = await transport.request({ method: 'GET', url, tls: { verify: true }, signal })
  if (response.status === 200) return response.body
  response.body.destroy()
  throw new InvalidArgumentError(
    `failed to GET ${url.href} with status ${response.status} ${response.statusText}`,
  )
}
