import { open } from 'node:fs/promises'
import { errnoOf } from '#errors/errors.ts'
import type { ContainerLogsOptions } from '#spec/docker/options.ts'
import type { LogStream } from '#spec/docker/streams.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerLogs } from './container-logs.ts'
import { JsonDecoder } from './json-decoder.ts'
import { findTail, logBytes } from './log-tail.ts'
import type { RotatedFile } from './rotated-file.ts'
import type { SpoolFeeder } from './spool-feeder.ts'

const READ_BYTES = 256 * 1024

/** `GET /containers/{id}/logs`. @throws NotImplementedError when the driver keeps nothing to read */
export async function readLogs(
  logs: ContainerLogs,
  record: ContainerRecord,
  options: ContainerLogsOptions,
): Promise<LogStream> {
  const tty = record.config.Tty === true
  const { file, feeder } = await logs.reader(record, { follows: options.follow })
  const decoder = new JsonDecoder(options, { raw: tty })
  return { tty, chunks: chunksOf({ file, feeder: options.follow ? feeder : null }, decoder, options) }
}

async function* chunksOf(
  log: { readonly file: RotatedFile; readonly feeder: SpoolFeeder | null },
  decoder: JsonDecoder,
  options: ContainerLogsOptions,
): AsyncGenerator<Uint8Array> {
  const follower = log.feeder === null ? null : await Follower.open(log.file, log.feeder)
  try {
    let readBytes = 0
    for (const start of await findTail(log.file.files(), options.tail)) {
      readBytes = start.offsetBytes
      for await (const lines of wholeLines(logBytes(start))) {
        if (options.signal.aborted) return
        readBytes += lines.length
        const bytes = decoder.decode(lines)
        if (bytes.length > 0) yield bytes
        if (decoder.isPast) return
      }
    }
    if (follower === null) return
    const until = options.until === null ? null : setTimeout(() => follower.end(), untilMs(options.until))
    until?.unref()
    for await (const lines of wholeLines(follower.read(readBytes, options.signal))) {
      const bytes = decoder.decode(lines)
      if (bytes.length > 0) yield bytes
      if (decoder.isPast) return
    }
  } finally {
    await follower?.close()
  }
}

function untilMs(untilNs: bigint): number {
  return Math.max(0, Math.min(2 ** 31 - 1, Number(untilNs / 1_000_000n) - Date.now()))
}

/** Cuts chunks at the ends of lines. */
async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(0x0a) + 1
    if (end > 0) yield bytes.subarray(0, end)
    rest = bytes.subarray(end)
  }
}

/** Reads a file that grows and is turned over, until its writer is done. */
class Follower {
  readonly #file: RotatedFile
  readonly #feeder: SpoolFeeder
  #stopListening: () => void
  #wake: (() => void) | null = null
  #grown = false
  #ended = false

  private constructor(file: RotatedFile, feeder: SpoolFeeder) {
    this.#file = file
    this.#feeder = feeder
    this.#stopListening = feeder.onGrowth(() => {
      this.#grown = true
      this.#wake?.()
    })
  }

  static async open(file: RotatedFile, feeder: SpoolFeeder): Promise<Follower> {
    return new Follower(file, feeder)
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *read(offsetBytes: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const abort = (): void => this.end()
    signal.addEventListener('abort', abort, { once: true })
    let at = offsetBytes
    let handle = await this.#openFile()
    try {
      while (!signal.aborted) {
        const isClosed = this.#feeder.isClosed
        this.#grown = false
        const buffer = Buffer.allocUnsafe(READ_BYTES)
        const { bytesRead } = (await handle?.read(buffer, 0, READ_BYTES, at)) ?? { bytesRead: 0 }
        if (bytesRead > 0) {
          at += bytesRead
          yield buffer.subarray(0, bytesRead)
          continue
        }
        const next = await this.#openFile()
        if (await isAnother(handle, next)) {
          await handle?.close()
          handle = next
          at = 0
          continue
        }
        await next?.close()
        if (isClosed || this.#ended) return
        if (!this.#grown) await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = null
      }
    } finally {
      signal.removeEventListener('abort', abort)
      await handle?.close()
    }
  }

  async close(): Promise<void> {
    this.#stopListening()
  }

  async #openFile(): Promise<Awaited<ReturnType<typeof open>> | null> {
    try {
      return await open(this.#file.path)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null
      throw error
    }
  }
}

type Handle = Awaited<ReturnType<typeof open>>

/** The file was turned over, made, or cut by somebody. */
async function isAnother(before: Handle | null, now: Handle | null): Promise<boolean> {
  if (now === null) return false
  if (before === null) return true
  const [a, b] = await Promise.all([before.stat(), now.stat()])
  return a.ino !== b.ino
}
