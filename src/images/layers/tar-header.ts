import { InvalidArgumentError } from '#errors/errors.ts'

/** The unit of tar: a header is one block, content is padded to whole blocks (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const BLOCK_BYTES = 512

/** A header block as it stands, before pax and GNU extensions change it. */
export interface RawHeader {
  typeFlag: string
  name: string
  linkName: string
  mode: number
  uid: number
  gid: number
  sizeBytes: number
  mtimeSeconds: number
  devMajor: number
  devMinor: number
  /** Of GNU's old sparse format, else null. */
  sparse: OldSparse | null
}

/** What a header of GNU's old sparse format says: offsets and lengths by turns, and whether a block with more follows. */
export interface OldSparse {
  readonly map: readonly number[]
  readonly isContinued: boolean
  readonly sizeBytes: number
}

const SPACE = 0x20
const SPARSE = 'S'.charCodeAt(0)

/** Parses a header block. @throws InvalidArgumentError when its checksum or a number is wrong. */
export function parseHeader(block: Buffer): RawHeader {
  checkSum(block)
  const magic = block.toString('latin1', 257, 265)
  // GNU's old format ("ustar  ") keeps times and sparse maps where POSIX has the name's prefix.
  const isUstar = magic.startsWith('ustar\0')
  const prefix = isUstar ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  const hasDevices = magic.startsWith('ustar')
  return {
    typeFlag: String.fromCharCode(block[156] as number),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    sizeBytes: number(block, 124, 12),
    mtimeSeconds: number(block, 136, 12),
    devMajor: hasDevices ? number(block, 329, 8) : 0,
    devMinor: hasDevices ? number(block, 337, 8) : 0,
    sparse: block[156] === SPARSE ? { ...sparseMap(block, 386, 4), sizeBytes: number(block, 483, 12) } : null,
  }
}

/** A block that goes on with the map of a sparse file (GNU tar manual, "Old GNU Format"). */
export function parseSparseBlock(block: Buffer): Omit<OldSparse, 'sizeBytes'> {
  return sparseMap(block, 0, 21)
}

function sparseMap(block: Buffer, start: number, count: number): Omit<OldSparse, 'sizeBytes'> {
  const map: number[] = []
  for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24)
    map.push(number(block, at, 12), number(block, at + 12, 12))
  return { map, isContinued: block[start + count * 24] !== 0 }
}

/** Tells whether a block is all zero: two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < BLOCK_BYTES; i++) if (block[i] !== 0) return false
  return true
}

function checkSum(block: Buffer): void {
  let unsigned = 8 * SPACE
  let signed = unsigned
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i >= 148 && i < 156) continue
    const byte = block[i] as number
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const written = number(block, 148, 8)
  // Some old archivers summed signed characters.
  if (written !== unsigned && written !== signed)
    throw new InvalidArgumentError('archive/tar: invalid tar header')
}

function text(block: Buffer, start: number, length: number): string {
  let end = start
  while (end < start + length && block[end] !== 0) end++
  return block.toString('latin1', start, end)
}

/** A number field: octal text, or base-256 when the first bit is set (GNU, also negative). */
function number(block: Buffer, start: number, length: number): number {
  const first = block[start] as number
  if (first & 0x80) return base256(block.subarray(start, start + length))
  let value = 0
  let i = start
  const end = start + length
  while (i < end && (block[i] === SPACE || block[i] === 0)) i++
  for (; i < end; i++) {
    const byte = block[i] as number
    if (byte === 0 || byte === SPACE) break
    if (byte < 0x30 || byte > 0x37) throw new InvalidArgumentError('archive/tar: invalid tar header')
    value = value * 8 + (byte - 0x30)
  }
  return value
}

function base256(field: Buffer): number {
  const negative = ((field[0] as number) & 0x40) !== 0
  let value = negative ? -1n : 0n
  for (const [index, byte] of field.entries()) {
    value = (value << 8n) | BigInt(index === 0 ? (negative ? byte | 0x80 : byte & 0x3f) : byte)
  }
  const result = Number(value)
  if (!Number.isSafeInteger(result)) throw new InvalidArgumentError('archive/tar: invalid tar header')
  return result
}
