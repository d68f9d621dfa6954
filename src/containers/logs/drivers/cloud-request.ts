import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

const TIMEOUT_MS = 30_000
const ANSWER_BYTES = 1024 * 1024

export interface CloudAnswer {
  readonly status: number
  readonly text: string
}

/**
 * Asks a service of a cloud. Any status is an answer.
 * @throws Error when there is none within 30 s, or more of it than anybody may say
 */
export async function askCloud(
  url: URL,
  what: {
    readonly method: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Uint8Array
    readonly timeoutMs?: number
  },
): Promise<CloudAnswer> {
  const body = what.body ?? new Uint8Array()
  const options = {
    method: what.method,
    headers: { ...what.headers, 'content-length': String(body.byteLength) },
    agent: false as const,
    signal: AbortSignal.timeout(what.timeoutMs ?? TIMEOUT_MS),
  }
  return await new Promise<CloudAnswer>((resolve, reject) => {
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest
    const sent = open(url, options, (answer) => {
      const chunks: Buffer[] = []
      let sizeBytes = 0
      answer.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length
        if (sizeBytes > ANSWER_BYTES) sent.destroy(new Error(`${url.host} answers without end`))
        else chunks.push(chunk)
      })
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The members of a JSON object that are texts; empty for anything else. */
export function textsOf(json: string): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null) return {}
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}
