import type { ContainerLogsOptions } from '#spec/docker/options.ts'
import { STDCOPY_STREAMS } from '#spec/docker/stdcopy.ts'
import { parseNs } from '../timestamp.ts'

const HEAD = Buffer.from('{"log":"')
const STREAM = Buffer.from('","stream":"std')
const TIME = Buffer.from('"time":"')
const ATTRIBUTES = '"attrs":'
const BACKSLASH = 0x5c
const HEADER_BYTES = 8

type Wanted = Pick<ContainerLogsOptions, 'stdout' | 'stderr' | 'timestamps' | 'details' | 'since' | 'until'>

/** Turns lines of Docker's json-file into the wire's form: frames, or raw bytes for a container with a terminal. */
export class JsonDecoder {
  readonly #wanted: Wanted
  readonly #raw: boolean
  #out = Buffer.allocUnsafe(128 * 1024)
  #length = 0
  /** A line behind `until` was seen: nothing that follows is wanted. */
  #past = false

  constructor(wanted: Wanted, options: { readonly raw: boolean }) {
    this.#wanted = wanted
    this.#raw = options.raw
  }

  get isPast(): boolean {
    return this.#past
  }

  /** Decodes whole lines; gives a copy of what they became. Lines that are none of the format are skipped. */
  decode(lines: Buffer): Buffer {
    this.#length = 0
    for (let at = 0; at < lines.length && !this.#past;) {
      const end = lines.indexOf(0x0a, at)
      if (end < 0) break
      this.#line(lines.subarray(at, end))
      at = end + 1
    }
    return Buffer.from(this.#out.subarray(0, this.#length))
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
    this.#length = at
    if (this.#raw) return
    this.#out.writeUInt32LE(STDCOPY_STREAMS[stream], start)
    this.#out.writeUInt32BE(at - start - HEADER_BYTES, start + 4)
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
