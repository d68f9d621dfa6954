import type { ContainerLogsOptions } from '#spec/docker/options.ts'
import { STDCOPY_STREAMS } from '#spec/docker/stdcopy.ts'
import { parseNs } from '../timestamp.ts'

const HEAD = Buffer.from('{"log":"')
const STREAM = Buffer.from('","stream":"std')
const TIME = Buffer.from('"time":"')
const ATTRIBUTES = '"attrs":'
const BACKSLASH = 0x5c
const QUOTE = 0x22
const NEWLINE = 0x0a
const LETTER_N = 0x6e
const LETTER_O = 0x6f
const HEADER_BYTES = 8

type Wanted = Pick<ContainerLogsOptions, 'stdout' | 'stderr' | 'timestamps' | 'details' | 'since' | 'until'>

/** Turns lines of Docker's json-file into the wire's form: frames, or raw bytes for a container with a terminal. */
export class JsonDecoder {
  readonly #wanted: Wanted
  readonly #raw: boolean
  /** Neither times nor attributes matter. */
  readonly #isPlain: boolean
  #out: Buffer = Buffer.alloc(0)
  #length = 0
  /** A line behind `until` was seen: nothing that follows is wanted. */
  #past = false

  constructor(wanted: Wanted, options: { readonly raw: boolean }) {
    this.#wanted = wanted
    this.#raw = options.raw
    const { since, until, timestamps, details } = wanted
    this.#isPlain = since === null && until === null && !timestamps && !details
  }

  get isPast(): boolean {
    return this.#past
  }

  /** Decodes whole lines; gives a copy of what they became. Lines that are none of the format are skipped. */
  decode(lines: Buffer): Buffer {
    this.#length = 0
    // A plain line becomes shorter than it was.
    this.#reserve(lines.length)
    for (let at = 0; at < lines.length && !this.#past;) {
      const next = this.#isPlain ? this.#plainLine(lines, at) : -1
      if (next > 0) {
        at = next
        continue
      }
      const end = lines.indexOf(0x0a, at)
      if (end < 0) break
      this.#line(lines.subarray(at, end))
      at = end + 1
      this.#reserve(lines.length - at)
    }
    return Buffer.from(this.#out.subarray(0, this.#length))
  }

  /**
   * Decodes a line of nothing but text, which most are, byte by byte: a call of a Buffer's method costs more than forty bytes do.
   * Returns where the next line begins; -1, and nothing is decoded, for a line that needs more.
   */
  #plainLine(lines: Buffer, lineAt: number): number {
    const out = this.#out
    const total = lines.length
    let at = lineAt
    for (let index = 0; index < HEAD.length; index += 1, at += 1) if (lines[at] !== HEAD[index]) return -1
    const start = this.#length
    let to = this.#raw ? start : start + HEADER_BYTES
    for (; at < total; at += 1, to += 1) {
      const byte = lines[at] as number
      if (byte === QUOTE) break
      if (byte !== BACKSLASH) {
        out[to] = byte
      } else {
        at += 1
        if (lines[at] !== LETTER_N) return -1
        out[to] = NEWLINE
      }
    }
    for (let index = 0; index < STREAM.length; index += 1, at += 1) if (lines[at] !== STREAM[index]) return -1
    const stream = lines[at] === LETTER_O ? 'stdout' : 'stderr'
    while (at < total && lines[at] !== NEWLINE) at += 1
    if (at === total) return -1
    if (this.#wanted[stream]) this.#end(stream, to)
    return at + 1
  }

  /** The text of a frame is written up to here: writes its head. */
  #end(stream: 'stdout' | 'stderr', end: number): void {
    const start = this.#length
    this.#length = end
    if (this.#raw) return
    const out = this.#out
    const size = end - start - HEADER_BYTES
    out[start] = STDCOPY_STREAMS[stream]
    out[start + 1] = out[start + 2] = out[start + 3] = 0
    out[start + 4] = size >>> 24
    out[start + 5] = size >>> 16
    out[start + 6] = size >>> 8
    out[start + 7] = size
  }

  #line(line: Buffer): void {
    if (line.length < HEAD.length || line.compare(HEAD, 0, HEAD.length, 0, HEAD.length) !== 0) return
    const textEnd = line.indexOf(STREAM, HEAD.length)
    if (textEnd < 0) return
    const streamAt = textEnd + STREAM.length
    const stream = line[streamAt] === 0x6f ? 'stdout' : 'stderr'
    if (!this.#wanted[stream]) return
    const { since, until, timestamps, details } = this.#wanted
    let prefix = ''
    if (since !== null || until !== null || timestamps) {
      const timeAt = line.lastIndexOf(TIME) + TIME.length
      const time = line.toString('latin1', timeAt, line.length - 2)
      if (since !== null || until !== null) {
        const ns = parseNs(time)
        if (ns === null || (since !== null && ns < since)) return
        if (until !== null && ns > until) {
          this.#past = true
          return
        }
      }
      if (timestamps) prefix = `${fixedTime(time)} `
    }
    if (details) prefix += `${attributesText(line.toString('utf8', streamAt))} `
    this.#frame(stream, { prefix, text: line.subarray(HEAD.length, textEnd) })
  }

  #frame(stream: 'stdout' | 'stderr', parts: { readonly prefix: string; readonly text: Buffer }): void {
    const { prefix, text } = parts
    this.#reserve(HEADER_BYTES + prefix.length * 3 + text.length * 3)
    const start = this.#length
    let at = this.#raw ? start : start + HEADER_BYTES
    if (prefix !== '') at += this.#out.write(prefix, at, 'utf8')
    const escape = text.indexOf(BACKSLASH)
    if (escape < 0) {
      text.copy(this.#out, at)
      at += text.length
    } else if (escape === text.length - 2 && text[escape + 1] === 0x6e) {
      text.copy(this.#out, at, 0, escape)
      at += escape
      this.#out[at++] = 0x0a
    } else {
      at += this.#out.write(unescape(text), at, 'utf8')
    }
    this.#end(stream, at)
  }

  #reserve(bytes: number): void {
    if (this.#out.length - this.#length >= bytes) return
    const larger = Buffer.allocUnsafe((this.#out.length + bytes) * 2)
    this.#out.copy(larger, 0, 0, this.#length)
    this.#out = larger
  }
}

function unescape(text: Buffer): string {
  try {
    return JSON.parse(`"${text.toString('utf8')}"`) as string
  } catch {
    return text.toString('utf8')
  }
}

/** Always nine digits, so that columns line up. */
function fixedTime(time: string): string {
  const dot = time.indexOf('.')
  const whole = dot < 0 ? time.slice(0, -1) : time.slice(0, dot)
  const fraction = dot < 0 ? '' : time.slice(dot + 1, -1)
  return `${whole}.${fraction.padEnd(9, '0')}Z`
}

/** `a=1,b=2`, escaped as in a query. */
function attributesText(rest: string): string {
  const at = rest.indexOf(ATTRIBUTES)
  const end = rest.lastIndexOf(',"time":"')
  if (at < 0 || end < at) return ''
  const attributes = JSON.parse(rest.slice(at + ATTRIBUTES.length, end)) as Record<string, string>
  return Object.entries(attributes)
    .map(([key, value]) => `${queryEscape(key)}=${queryEscape(value)}`)
    .join(',')
}

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
