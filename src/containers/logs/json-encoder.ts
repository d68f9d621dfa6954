import { formatNs, parseNs } from '../timestamp.ts'
import { LineGroup, OpenLinePatience } from './line-group.ts'
import { parseEntry, type SpoolEntry } from './spool-lines.ts'

const HEX = Buffer.from('0123456789abcdef')
const STREAMS = { stdout: Buffer.from('","stream":"stdout"'), stderr: Buffer.from('","stream":"stderr"') }
/** The same with the newline that ends a full line. */
const ENDED = { stdout: Buffer.from('\\n","stream":"stdout"'), stderr: Buffer.from('\\n","stream":"stderr"') }
const HEAD = Buffer.from('{"log":"')
const TIME = Buffer.from(',"time":"')
const TAIL = Buffer.from('"}\n')
/** The longest form of one byte is `\u001f`; a replaced invalid byte takes the same six. */
const WORST_BYTES = 6

/** Escapes by byte: 0 copies it, 1 is `\u00xx`, a letter is `\letter`, 2 begins a sequence of UTF-8. */
const ESCAPES = new Uint8Array(256)
ESCAPES.fill(1, 0, 0x20)
ESCAPES.fill(2, 0x80)
for (const [byte, letter] of [
  ['"', '"'],
  ['\\', '\\'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\t', 't'],
] as const) {
  ESCAPES[byte.charCodeAt(0)] = letter.charCodeAt(0)
}
// As Go's encoder does for the sake of HTML.
for (const byte of '<>&') ESCAPES[byte.charCodeAt(0)] = 1

/**
 * Turns conmon's log into lines of Docker's json-file: `{"log":"text\n","stream":"stdout","time":"…Z"}`, `attrs`
 * between them when labels or variables are to be told. Bytes are copied, not decoded; only what is no UTF-8 is replaced.
 */
export class JsonEncoder {
  readonly #attributes: Buffer
  readonly #patience = new OpenLinePatience()
  #out = Buffer.allocUnsafe(256 * 1024)
  #length = 0

  constructor(attributes: Readonly<Record<string, string>> = {}) {
    const names = Object.keys(attributes).sort()
    const sorted = Object.fromEntries(names.map((name) => [name, attributes[name]]))
    this.#attributes = Buffer.from(names.length === 0 ? '' : `,"attrs":${JSON.stringify(sorted)}`)
  }

  /**
   * Encodes whole lines of the input until the output has at least `limitBytes`.
   * @param options.ends nothing will follow the input: a line that has not ended is told as it is
   * @returns how much of the input it took, and the output, valid until the next call
   */
  encode(
    input: Buffer,
    options: { readonly limitBytes: number; readonly ends: boolean },
  ): { readonly consumed: number; readonly output: Buffer } {
    this.#length = 0
    const group = new LineGroup()
    let consumed = 0
    let end = 0
    for (let newline = input.indexOf(0x0a); newline >= 0; newline = input.indexOf(0x0a, end)) {
      const entry = parseEntry(input.subarray(end, newline))
      end = newline + 1
      if (entry !== null && group.isWhole && !entry.partial) this.#line(entry)
      else if (entry !== null) this.#join(entry, { group, bytes: end - consumed })
      if (!group.isWhole) continue
      consumed = end
      if (this.#length >= options.limitBytes) break
    }
    const patience = { bytes: end - consumed, ends: options.ends, isBlocked: consumed === 0 }
    if (this.#patience.isOver(group, patience)) {
      this.#lines(group, { all: true })
      consumed = end
    }
    if (consumed > 0) this.#patience.reset()
    return { consumed, output: this.#out.subarray(0, this.#length) }
  }

  #join(entry: SpoolEntry, of: { readonly group: LineGroup; readonly bytes: number }): void {
    const { group, bytes } = of
    group.add(entry)
    const isOver = this.#patience.isOver(group, { bytes, ends: false, isBlocked: false })
    if (group.isWhole || isOver) this.#lines(group, { all: isOver })
  }

  #lines(group: LineGroup, options: { readonly all: boolean }): void {
    for (const line of group.take(options)) this.#line(line)
  }

  #line(entry: SpoolEntry): void {
    const { content, stream, partial } = entry
    this.#reserve(content.length * WORST_BYTES + this.#attributes.length + 128)
    this.#copy(HEAD)
    this.#text(content)
    this.#copy((partial ? STREAMS : ENDED)[stream])
    this.#copy(this.#attributes)
    this.#copy(TIME)
    this.#length += this.#out.write(utcTime(entry.time), this.#length, 'latin1')
    this.#copy(TAIL)
  }

  #text(content: Buffer): void {
    const out = this.#out
    let at = this.#length
    for (let i = 0; i < content.length; i += 1) {
      const byte = content[i] as number
      const escape = ESCAPES[byte] as number
      if (escape === 0) {
        out[at++] = byte
      } else if (escape === 2) {
        const size = utf8Size(content, i)
        if (size === 0) {
          at += out.write('\\ufffd', at, 'latin1')
        } else {
          at = copySequence(content, i, { out, at, size })
          i += size - 1
        }
      } else if (escape === 1) {
        at += out.write('\\u00', at, 'latin1')
        out[at++] = HEX[byte >> 4] as number
        out[at++] = HEX[byte & 15] as number
      } else {
        out[at++] = 0x5c
        out[at++] = escape
      }
    }
    this.#length = at
  }

  #copy(bytes: Buffer): void {
    bytes.copy(this.#out, this.#length)
    this.#length += bytes.length
  }

  #reserve(bytes: number): void {
    if (this.#out.length - this.#length >= bytes) return
    const larger = Buffer.allocUnsafe((this.#out.length + bytes) * 2)
    this.#out.copy(larger, 0, 0, this.#length)
    this.#out = larger
  }
}

/** The length of the UTF-8 sequence at `i`, or 0 when there is none (RFC 3629). */
function utf8Size(bytes: Buffer, i: number): number {
  const first = bytes[i] as number
  const size = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (size === 0 || first > 0xf4 || i + size > bytes.length) return 0
  for (let n = 1; n < size; n += 1) if (((bytes[i + n] as number) & 0xc0) !== 0x80) return 0
  const second = bytes[i + 1] as number
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0
  return size
}

function copySequence(bytes: Buffer, i: number, to: { out: Buffer; at: number; size: number }): number {
  const { out, at, size } = to
  // U+2028 and U+2029 would end a line in JavaScript source: Go writes them as escapes.
  if (
    size === 3 &&
    bytes[i] === 0xe2 &&
    bytes[i + 1] === 0x80 &&
    ((bytes[i + 2] as number) & 0xfe) === 0xa8
  ) {
    return at + out.write((bytes[i + 2] as number) === 0xa8 ? '\\u2028' : '\\u2029', at, 'latin1')
  }
  bytes.copy(out, at, i, i + size)
  return at + size
}

/** conmon writes local time with an offset; Docker's files are in UTC, without trailing zeros. */
export function utcTime(time: string): string {
  if (!time.endsWith('+00:00')) return formatNs(parseNs(time) ?? 0n)
  let end = time.length - 6
  while (time.charCodeAt(end - 1) === 0x30) end -= 1
  if (time.charCodeAt(end - 1) === 0x2e) end -= 1
  return `${time.slice(0, end)}Z`
}
