/** Flags of a netlink request (linux/netlink.h). */
export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800

const HEADER_BYTES = 16
const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff

/** One netlink message under construction: header, fixed part, attributes (netlink(7)). Grows as needed; numbers are in host order. */
export class NetlinkMessage {
  #bytes: Buffer
  #end = HEADER_BYTES

  /** @param type nlmsg_type; `flags` besides NLM_F_REQUEST; `fixed` the family's own header (ifinfomsg, rtmsg …). */
  constructor(type: number, options: { readonly flags: number; readonly fixed: Uint8Array }) {
    this.#bytes = Buffer.alloc(256)
    this.#bytes.writeUInt16LE(type, 4)
    this.#bytes.writeUInt16LE(options.flags | NLM_F_REQUEST, 6)
    this.#put(options.fixed)
  }

  /** An attribute with these bytes. */
  bytes(type: number, value: Uint8Array): this {
    const at = this.#attributeHeader(type, value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** An attribute with text that ends in a zero byte. */
  text(type: number, value: string): this {
    return this.bytes(type, Buffer.from(`${value}\0`))
  }

  u8(type: number, value: number): this {
    const at = this.#attributeHeader(type, 1)
    this.#bytes.writeUInt8(value, at)
    return this
  }

  u16(type: number, value: number): this {
    const at = this.#attributeHeader(type, 2)
    this.#bytes.writeUInt16LE(value, at)
    return this
  }

  u32(type: number, value: number): this {
    const at = this.#attributeHeader(type, 4)
    this.#bytes.writeUInt32LE(value >>> 0, at)
    return this
  }

  /** As `u32`, in network order: what nfnetlink wants. */
  be32(type: number, value: number): this {
    const at = this.#attributeHeader(type, 4)
    this.#bytes.writeUInt32BE(value >>> 0, at)
    return this
  }

  /** An attribute that holds what `fill` adds. */
  nest(type: number, fill: (message: this) => void, options: { readonly flag?: boolean } = {}): this {
    const start = this.#end
    this.#attributeHeader(options.flag === false ? type : type | NLA_F_NESTED, 0)
    fill(this)
    this.#bytes.writeUInt16LE(this.#end - start, start)
    return this
  }

  /** Raw bytes between attributes, padded: the ifinfomsg inside VETH_INFO_PEER. */
  raw(value: Uint8Array): this {
    this.#put(value)
    return this
  }

  /** The finished message with this sequence number. */
  finish(sequence: number): Buffer {
    this.#bytes.writeUInt32LE(this.#end, 0)
    this.#bytes.writeUInt32LE(sequence, 8)
    return this.#bytes.subarray(0, this.#end)
  }

  #attributeHeader(type: number, valueBytes: number): number {
    const start = this.#end
    const end = start + 4 + align(valueBytes)
    this.#reserve(end)
    this.#bytes.writeUInt16LE(4 + valueBytes, start)
    this.#bytes.writeUInt16LE(type, start + 2)
    this.#end = end
    return start + 4
  }

  #put(value: Uint8Array): void {
    const end = this.#end + align(value.length)
    this.#reserve(end)
    this.#bytes.set(value, this.#end)
    this.#end = end
  }

  #reserve(end: number): void {
    if (end <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(end, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

/** A message as received. */
export interface NetlinkReply {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Buffer
}

/** Splits what one recv returned into messages. */
export function parseMessages(bytes: Buffer): NetlinkReply[] {
  const replies: NetlinkReply[] = []
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at)
    if (length < HEADER_BYTES || at + length > bytes.length) break
    replies.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    })
    at += align(length)
  }
  return replies
}

/** The attributes that start at `offset`; of a type that repeats, the last one. */
export function parseAttributes(bytes: Buffer, offset = 0): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  for (const [type, value] of attributeList(bytes, offset)) attributes.set(type, value)
  return attributes
}

/** All attributes in order, repeated types too. */
export function attributeList(bytes: Buffer, offset = 0): (readonly [type: number, value: Buffer])[] {
  const list: [number, Buffer][] = []
  for (let at = offset; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at)
    if (length < 4 || at + length > bytes.length) break
    list.push([bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length)])
    at += align(length)
  }
  return list
}

/** The text of an attribute, without its zero byte. */
export function textOf(value: Buffer): string {
  const zero = value.indexOf(0)
  return value.toString('utf8', 0, zero === -1 ? value.length : zero)
}

function align(length: number): number {
  return (length + 3) & ~3
}
