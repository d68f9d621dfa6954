import type { Readable } from 'node:stream'
import { DataLossError } from '#errors/errors.ts'

/** Reads a small document whole. @throws DataLossError as soon as it is longer than `maxBytes`. */
export async function readLimited(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    total += chunk.byteLength
    if (total > maxBytes) throw new DataLossError(`the registry's answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
