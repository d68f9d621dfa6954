import { EtcdError, encode, endOfPrefix, keyValueOf } from './etcd.ts'
import type { Etcd, KeyValue, RawKeyValue } from './etcd.ts'

/** What happened at one revision. */
export interface Change {
  readonly kind: 'put' | 'delete'
  /** A deleted key has an empty value. */
  readonly entry: KeyValue
}

export interface WatchBatch {
  readonly revision: number
  readonly changes: readonly Change[]
}

/** One line of the gateway's answer. */
interface WatchLine {
  readonly error?: { readonly message?: string }
  readonly result?: {
    readonly header: { readonly revision: string }
    readonly canceled?: boolean
    readonly cancel_reason?: string
    readonly events?: readonly { readonly type?: 'DELETE'; readonly kv: RawKeyValue }[]
  }
}

/** The longest line: all changes of one revision. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/**
 * Follows all keys that start with the prefix from a revision on, in order and without gaps, until the signal. Each batch is complete.
 * @throws EtcdError when the server ends it: the revision is compacted, the server stops; connection errors as they are.
 */
export async function* watchPrefix(
  etcd: Etcd,
  options: { readonly prefix: string; readonly fromRevision: number; readonly signal: AbortSignal },
): AsyncGenerator<WatchBatch> {
  const body = {
    create_request: {
      key: encode(options.prefix),
      range_end: encode(endOfPrefix(options.prefix)),
      start_revision: String(options.fromRevision),
    },
  }
  const response = await etcd.stream('/v3/watch', body, options.signal)
  for await (const line of linesOf(untilClosed(response))) {
    const { result, error } = JSON.parse(line) as WatchLine
    if (error !== undefined || result?.canceled === true) {
      throw new EtcdError(`etcd ended the watch: ${error?.message ?? result?.cancel_reason ?? 'compacted'}`)
    }
    if (result?.events === undefined) continue
    yield {
      revision: Number(result.header.revision),
      changes: result.events.map(({ type, kv }) => ({
        kind: type === 'DELETE' ? 'delete' : 'put',
        entry: keyValueOf(kv),
      })),
    }
  }
  throw new EtcdError('etcd ended the watch')
}

/** Node says "aborted" of a connection that ends early. */
async function* untilClosed(response: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* response
  } catch (cause) {
    throw new EtcdError('etcd closed the connection', { cause })
  }
}

/** The lines of a stream. @throws EtcdError for one without end. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pending = Buffer.alloc(0)
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk])
    for (let end = pending.indexOf(10); end !== -1; end = pending.indexOf(10)) {
      const line = pending.toString('utf8', 0, end)
      pending = pending.subarray(end + 1)
      if (line !== '') yield line
    }
    if (pending.length > MAX_LINE_BYTES) throw new EtcdError('etcd sent a line without end')
  }
}
