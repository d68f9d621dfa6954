import { InvalidArgumentError } from '#errors/errors.ts'

/**
 * bzip2 (its format has no specification; this follows its description in Joe Tsai's "BZIP2: Format Specification"):
 * blocks of up to 900 kB, each sorted by Burrows-Wheeler, moved to front, run-length and Huffman coded, one after
 * another without padding, each with a checksum. Several streams may follow each other.
 */

const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090
const MAX_CODE_BITS = 20
const MAX_SYMBOLS = 258
const GROUP_SYMBOLS = 50
/** Gathered before a block is tried; a block that needs more is tried again when twice as much is there. */
const SLACK_BYTES = 64 * 1024

/** The bytes end within a block. */
class EndOfInput extends Error {}

/** Unpacks bzip2. Pieces that come out are good until the next is asked for. @throws InvalidArgumentError when damaged */
export async function* bunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const input = new Input(source)
  await input.fill(4)
  let isFirst = true
  while (isFirst || input.available > 0) {
    const header = input.take(4)
    const level = (header[3] ?? 0) - 0x30
    if (header.toString('latin1', 0, 3) !== 'BZh' || level < 1 || level > 9) {
      // What follows a whole stream and is none is not looked at, as by bzip2(1).
      if (!isFirst) return
      throw damaged('it does not begin as one')
    }
    isFirst = false
    yield* oneStream(input, level)
    await input.fill(4)
  }
}

async function* oneStream(input: Input, level: number): AsyncGenerator<Buffer> {
  const decoder = new BlockDecoder(level * 100_000)
  let streamChecksum = 0
  let wanted = level * 100_000 + SLACK_BYTES
  let bits = 0
  for (;;) {
    await input.fill(wanted)
    const reader = new BitReader(input.bytes, bits)
    try {
      const magic = reader.take(24) * 2 ** 24 + reader.take(24)
      const checksum = reader.take(16) * 2 ** 16 + reader.take(16)
      if (magic === END_MAGIC) {
        if (checksum !== streamChecksum >>> 0) throw damaged('its checksum is wrong')
        input.take(Math.ceil(reader.position / 8))
        return
      }
      if (magic !== BLOCK_MAGIC) throw damaged('a block does not begin as one')
      decoder.read(reader)
      input.take(reader.position >> 3)
      bits = reader.position & 7
      let found = 0xffffffff
      for (const piece of decoder.pieces()) {
        found = crc(found, piece)
        yield piece
      }
      if (~found >>> 0 !== checksum >>> 0) throw damaged('the checksum of a block is wrong')
      streamChecksum = ((streamChecksum << 1) | (streamChecksum >>> 31)) ^ checksum
    } catch (error) {
      if (!(error instanceof EndOfInput)) throw error
      if (input.isEnded) throw damaged('it is cut short')
      wanted = input.available * 2
    }
  }
}

function damaged(how: string): InvalidArgumentError {
  return new InvalidArgumentError(`the bzip2 stream is damaged: ${how}`)
}

/** Bytes of a source, gathered until there are enough. */
class Input {
  readonly #iterator: AsyncIterator<Uint8Array>
  #bytes: Buffer = Buffer.alloc(0)
  #isEnded = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  get available(): number {
    return this.#bytes.length
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Reads until so many bytes are there, or no more come. */
  async fill(wanted: number): Promise<void> {
    if (this.#isEnded || this.#bytes.length >= wanted) return
    const pieces = [this.#bytes]
    for (let length = this.#bytes.length; length < wanted;) {
      const next = await this.#iterator.next()
      if (next.done === true) {
        this.#isEnded = true
        break
      }
      // The source may use its buffer again.
      pieces.push(Buffer.from(next.value))
      length += next.value.length
    }
    this.#bytes = Buffer.concat(pieces)
  }

  take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }
}

class BitReader {
  readonly #bytes: Buffer
  #at: number
  #held = 0
  #heldBits = 0

  /** @param skip bits of the first byte that are not part of it */
  constructor(bytes: Buffer, skip: number) {
    this.#bytes = bytes
    this.#at = 0
    if (skip > 0) this.take(skip)
  }

  /** Bits that were taken, those skipped at the start included. */
  get position(): number {
    return this.#at * 8 - this.#heldBits
  }

  /** Up to 24 bits. */
  take(count: number): number {
    while (this.#heldBits < count) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new EndOfInput()
      this.#at += 1
      this.#held = ((this.#held << 8) | byte) >>> 0
      this.#heldBits += 8
    }
    this.#heldBits -= count
    const value = (this.#held >>> this.#heldBits) & (2 ** count - 1)
    this.#held &= 2 ** this.#heldBits - 1
    return value
  }
}

/** A Huffman code as its lengths give it: codes of one length follow each other. */
class Code {
  readonly #limits = new Int32Array(MAX_CODE_BITS + 2).fill(-1)
  readonly #bases = new Int32Array(MAX_CODE_BITS + 2)
  readonly #symbols: Uint16Array
  readonly #shortest: number

  constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length)
    let code = 0
    let at = 0
    let shortest = MAX_CODE_BITS
    for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
      const first = code
      this.#bases[bits] = at - first
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== bits) continue
        this.#symbols[at++] = symbol
        code += 1
        shortest = Math.min(shortest, bits)
      }
      if (code > first) this.#limits[bits] = code - 1
      if (code > 2 ** bits) throw damaged('a code has too many words')
      code *= 2
    }
    this.#shortest = shortest
  }

  read(reader: BitReader): number {
    let bits = this.#shortest
    let word = reader.take(bits)
    while (bits <= MAX_CODE_BITS) {
      if (word <= (this.#limits[bits] as number)) {
        const symbol = this.#symbols[word + (this.#bases[bits] as number)]
        if (symbol === undefined) break
        return symbol
      }
      word = word * 2 + reader.take(1)
      bits += 1
    }
    throw damaged('a word is in no code')
  }
}

/** One block at a time. */
class BlockDecoder {
  readonly #maxBytes: number
  /** The bytes of the sorted block; then, in the upper 24 bits, where the next byte is. */
  readonly #sorted: Uint32Array
  #length = 0
  #origin = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#sorted = new Uint32Array(maxBytes)
  }

  /** Reads a block after its checksum. */
  read(reader: BitReader): void {
    if (reader.take(1) !== 0) throw damaged('it is of an old kind (randomised)')
    this.#origin = reader.take(24)
    const used = readUsed(reader)
    const symbols = used.length + 2
    const groups = reader.take(3)
    const selectorCount = reader.take(15)
    if (groups < 2 || groups > 6 || selectorCount === 0) throw damaged('a block has no codes')
    const selectors = readSelectors(reader, { groups, selectorCount })
    const codes = Array.from({ length: groups }, () => readCode(reader, symbols))
    this.#unpack(reader, { codes, selectors, used, endSymbol: symbols - 1 })
    if (this.#origin >= this.#length && this.#length > 0) throw damaged('a block begins outside of itself')
    this.#order()
  }

  #unpack(
    reader: BitReader,
    of: { codes: readonly Code[]; selectors: Uint8Array; used: Uint8Array; endSymbol: number },
  ): void {
    const front = Uint8Array.from(of.used)
    let length = 0
    let run = 0
    let runBit = 1
    let group = -1
    let left = 0
    let code = of.codes[0] as Code
    const endRun = (): void => {
      if (run > this.#maxBytes - length) throw damaged('a block is too long')
      this.#sorted.fill(front[0] as number, length, length + run)
      length += run
      run = 0
      runBit = 1
    }
    for (;;) {
      if (left === 0) {
        group += 1
        left = GROUP_SYMBOLS
        if (group >= of.selectors.length) throw damaged('a block has too few selectors')
        code = of.codes[of.selectors[group] as number] as Code
      }
      left -= 1
      const symbol = code.read(reader)
      if (symbol <= 1) {
        if (runBit > this.#maxBytes) throw damaged('a run is too long')
        run += runBit << symbol
        runBit *= 2
        continue
      }
      if (run > 0) endRun()
      if (symbol === of.endSymbol) break
      const index = symbol - 1
      const byte = front[index] as number
      front.copyWithin(1, 0, index)
      front[0] = byte
      if (length >= this.#maxBytes) throw damaged('a block is too long')
      this.#sorted[length++] = byte
    }
    this.#length = length
  }

  /** Undoes the sorting: writes into the upper bits of each entry where the next byte of the text is. */
  #order(): void {
    const sorted = this.#sorted
    const starts = new Uint32Array(256)
    for (let at = 0; at < this.#length; at++) {
      const byte = (sorted[at] as number) & 0xff
      starts[byte] = (starts[byte] as number) + 1
    }
    for (let byte = 0, sum = 0; byte < 256; byte++) {
      const count = starts[byte] as number
      starts[byte] = sum
      sum += count
    }
    for (let at = 0; at < this.#length; at++) {
      const byte = (sorted[at] as number) & 0xff
      const place = starts[byte] as number
      starts[byte] = place + 1
      sorted[place] = ((sorted[place] as number) | (at << 8)) >>> 0
    }
  }

  /** The text of the block: four equal bytes are followed by how many more of them there are. */
  *pieces(): Generator<Buffer> {
    const out = Buffer.allocUnsafe(64 * 1024)
    let fill = 0
    let next = this.#length === 0 ? 0 : (this.#sorted[this.#origin] as number) >>> 8
    let equal = 0
    let last = -1
    for (let count = 0; count < this.#length; count++) {
      const entry = this.#sorted[next] as number
      const byte = entry & 0xff
      next = entry >>> 8
      if (equal === 4) {
        if (fill + byte > out.length) {
          yield out.subarray(0, fill)
          fill = 0
        }
        out.fill(last, fill, fill + byte)
        fill += byte
        equal = 0
        last = -1
        continue
      }
      equal = byte === last ? equal + 1 : 1
      last = byte
      if (fill === out.length) {
        yield out
        fill = 0
      }
      out[fill++] = byte
    }
    if (fill > 0) yield out.subarray(0, fill)
  }
}

/** The bytes that a block uses, two steps of sixteen. */
function readUsed(reader: BitReader): Uint8Array {
  const ranges = reader.take(16)
  const used: number[] = []
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >> range)) === 0) continue
    const members = reader.take(16)
    for (let member = 0; member < 16; member++)
      if ((members & (0x8000 >> member)) !== 0) used.push(range * 16 + member)
  }
  if (used.length === 0) throw damaged('a block uses no bytes')
  return Uint8Array.from(used)
}

/** Which code each group of fifty symbols has, moved to front. */
function readSelectors(reader: BitReader, of: { groups: number; selectorCount: number }): Uint8Array {
  const front = Array.from({ length: of.groups }, (_, group) => group)
  const selectors = new Uint8Array(of.selectorCount)
  for (let at = 0; at < of.selectorCount; at++) {
    let index = 0
    while (reader.take(1) === 1) if (++index >= of.groups) throw damaged('a selector names no code')
    const [group] = front.splice(index, 1) as [number]
    front.unshift(group)
    selectors[at] = group
  }
  return selectors
}

/** A code as the lengths of its words, each by its difference to the one before. */
function readCode(reader: BitReader, symbols: number): Code {
  if (symbols > MAX_SYMBOLS) throw damaged('a code has too many words')
  const lengths = new Uint8Array(symbols)
  let length = reader.take(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw damaged('a word of a code has no length')
      if (reader.take(1) === 0) break
      length += reader.take(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return new Code(lengths)
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0)
  return value >>> 0
})

/** The checksum of bzip2: CRC-32, the highest bit first. */
function crc(start: number, bytes: Uint8Array): number {
  let value = start
  for (let at = 0; at < bytes.length; at++)
    value = (value << 8) ^ (CRC_TABLE[((value >>> 24) ^ (bytes[at] as number)) & 0xff] as number)
  return value
}
