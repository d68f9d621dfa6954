import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { parseNs } from '../../timestamp.ts'
import type { LogMessage } from '../log-driver.ts'

/**
 * An entry for log plugins: four bytes of length, big-endian, and the message `LogEntry` of protocol buffers: 1 source, 2 time_nano,
 * 3 line, 4 partial.
 */
export function encodeEntry(message: LogMessage): Buffer {
  const out = new BinaryWriter()
  out.tag(1, WireType.LengthDelimited).string(message.stream)
  out.tag(2, WireType.Varint).int64(parseNs(message.time) ?? 0n)
  out.tag(3, WireType.LengthDelimited).bytes(message.content)
  if (message.partial) out.tag(4, WireType.Varint).bool(true)
  const body = out.finish()
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.byteLength)
  return Buffer.concat([head, body])
}
