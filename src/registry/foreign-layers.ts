import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import { DataLossError } from '#errors/errors.ts'
import type { HttpTransport } from './http-transport.ts'
import { registryErrorOf } from './registry-error.ts'

/**
 * Opens a foreign layer at the first of its URLs that answers; credentials of the registry are never sent there.
 * As in Docker, ranges are not asked for. The caller verifies the bytes.
 */
export async function openForeignBlob(
  transport: HttpTransport,
  options: { readonly urls: readonly string[]; readonly digest: Digest; readonly signal: AbortSignal },
): Promise<{ readonly body: Readable; readonly offset: number }> {
  let failure: unknown = new DataLossError(`layer ${options.digest} has no URL that can be used`)
  for (const text of options.urls) {
    const url = URL.canParse(text) ? new URL(text) : null
    if (url === null || !/^https?:$/.test(url.protocol)) continue
    try {
      const response = await transport.request({
        method: 'GET',
        url,
        tls: { verify: true },
        signal: options.signal,
      })
      if (response.status === 200) return { body: response.body, offset: 0 }
      failure = await registryErrorOf(response)
    } catch (error) {
      options.signal.throwIfAborted()
      failure = error
    }
  }
  throw failure
}
