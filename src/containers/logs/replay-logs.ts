import type { StdioFrame } from '#spec/docker/streams.ts'
import { STDCOPY_HEAD_BYTES } from '#spec/docker/stdcopy.ts'
import type { LogReplay } from '../attach.ts'
import type { ContainerLogs } from './container-logs.ts'
import { readLogs } from './read-logs.ts'

/** What a container wrote so far, for `attach` with `logs=1`. */
export function replayLogs(logs: ContainerLogs): LogReplay {
  return async function* (record, options) {
    const stream = await readLogs(logs, record, {
      follow: false,
      stdout: options.stdout,
      stderr: options.stderr,
      timestamps: false,
      details: false,
      since: null,
      until: null,
      tail: null,
      signal: options.signal,
    })
    for await (const chunk of stream.chunks) {
      if (stream.tty) yield { stream: 'stdout', bytes: chunk }
      else yield* framesOf(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    }
  }
}

/** Chunks of a log hold whole frames. */
function* framesOf(chunk: Buffer): Generator<StdioFrame> {
  for (let at = 0; at < chunk.length;) {
    const end = at + STDCOPY_HEAD_BYTES + chunk.readUInt32BE(at + 4)
    yield {
      stream: chunk[at] === 2 ? 'stderr' : 'stdout',
      bytes: chunk.subarray(at + STDCOPY_HEAD_BYTES, end),
    }
    at = end
  }
}
