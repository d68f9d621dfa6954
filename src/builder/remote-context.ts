import { Readable } from 'node:stream'
import { InvalidArgumentError } from '#errors/errors.ts'

/** What a URL gave: a Dockerfile alone, or an archive of files. */
export type Remote = { readonly dockerfile: string } | { readonly tar: AsyncIterable<Uint8Array> }

/** Downloads a context. @throws InvalidArgumentError */
export async function fetchRemote(url: string, signal: AbortSignal): Promise<Remote> {
  if (!/^https?:\/\//.test(url)) {
    throw new InvalidArgumentError(
      `unable to prepare context: "${url}" is neither a git repository nor an http(s) URL`,
    )
  }
  const response = await fetch(url, { signal }).catch((error: unknown) => {
    throw new InvalidArgumentError(
      `error downloading remote context ${url}: ${String((error as Error).cause ?? error)}`,
    )
  })
  if (!response.ok || response.body === null) {
    throw new InvalidArgumentError(`error downloading remote context ${url}: status ${response.status}`)
  }
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  if (type === 'text/plain') return { dockerfile: await response.text() }
  return { tar: Readable.fromWeb(response.body as never) }
}
