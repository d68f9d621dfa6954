import { parseNs } from '../../timestamp.ts'
import type { LogMessage } from '../log-driver.ts'

/**
 * An entry for log plugins: four bytes of length, big-endian, and the message `LogEntry` of protocol buffers: 1 source, 2 time_nano,
 * 3 line, 4 partial.
 */
export function encodeEntry(message: LogMessage): Buffer {
  const body = Buffer.concat([
    field(1, Buffer.from(message.stream)),
    Buffer.of(tag(2, 0)),
    varint(parseNs(message.time) ?? 0n),
    field(3, message.content),
    ...(message.partial ? [Buffer.of(tag(4, 0), 1)] : []),
  ])
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** Wire types of protocol buffers: 0 a number, 2 bytes with their length. */
function tag(number: number, wireType: 0 | 2): number {
  return (number << 3) | wireType
}

function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag(number, 2)), varint(BigInt(bytes.byteLength)), bytes])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
