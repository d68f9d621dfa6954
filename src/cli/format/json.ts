/** Parses JSON; whole numbers beyond 2^53 become BigInt, so that no figure changes. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const revive = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined)
      return value
    return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
  }
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}

/** What knows its own JSON form. */
interface HasJson {
  toJson(): unknown
}

const hasJson = (value: object): value is HasJson => 'toJson' in value && typeof value.toJson === 'function'

/** Writes JSON as Go's encoding/json: compact, BigInt as a number, `<`, `>` and `&` escaped when asked for. */
export function writeJson(value: unknown, { escapeHtml = false }: { escapeHtml?: boolean } = {}): string {
  if (value === undefined || value === null) return 'null'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return quote(value, escapeHtml)
  if (Array.isArray(value)) return `[${value.map((item) => writeJson(item, { escapeHtml })).join(',')}]`
  if (value instanceof Map) return writeJson(Object.fromEntries(value), { escapeHtml })
  if (typeof value === 'object') {
    // A row of a list is a struct with methods: Go's Marshal, which it uses for itself, escapes.
    if (hasJson(value)) return writeJson(value.toJson(), { escapeHtml: true })
    const members = Object.entries(value).map(
      ([key, member]) => `${quote(key, escapeHtml)}:${writeJson(member, { escapeHtml })}`,
    )
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

function quote(text: string, escapeHtml: boolean): string {
  const quoted = JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return escapeHtml ? quoted.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`) : quoted
}

/** Lays JSON text out with four blanks a level, changing no value's own text. */
export function indentJson(
  text: string,
  { prefix = '', step = '    ' }: { prefix?: string; step?: string } = {},
): string {
  let out = ''
  let depth = 0
  const newLine = () => `\n${prefix}${step.repeat(depth)}`
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '"') {
      const end = stringEnd(text, at)
      out += text.slice(at, end)
      at = end - 1
    } else if (char === '{' || char === '[') {
      const close = /^\s*[}\]]/.exec(text.slice(at + 1, at + 64))
      if (close !== null) {
        out += char + close[0].trim()
        at += close[0].length
        continue
      }
      depth += 1
      out += char + newLine()
    } else if (char === '}' || char === ']') {
      depth -= 1
      out += newLine() + char
    } else if (char === ',') out += `,${newLine()}`
    else if (char === ':') out += ': '
    else if (char > ' ') out += char
  }
  return out
}

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '\\') at += 1
    else if (char === '"') return at + 1
  }
  return text.length
}
