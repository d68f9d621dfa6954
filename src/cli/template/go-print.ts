import { writeJson } from '../format/json.ts'
import { significant } from '../format/units.ts'
import { Row } from './row.ts'

/** What a value would be called in Go. */
export function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (value instanceof Row) return `*${value.typeName}`
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return 'int64'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (Array.isArray(value)) return '[]interface {}'
  return 'map[string]interface {}'
}

/** A value as Go's `%v` prints it. */
export function goPrint(value: unknown, nil = '<nil>'): string {
  if (value === null || value === undefined) return nil
  if (typeof value === 'string') return value
  if (typeof value === 'number') return goNumber(value)
  if (Array.isArray(value)) return `[${value.map((item) => goPrint(item)).join(' ')}]`
  if (value instanceof Row) return writeJson(value)
  if (typeof value === 'object') {
    const entries = Object.entries(value)
    // The one struct that templates print whole: a port's binding.
    if (entries.length === 2 && 'HostIp' in value && 'HostPort' in value)
      return `{${String(value.HostIp)} ${String(value.HostPort)}}`
    return `map[${entries
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}:${goPrint(item)}`)
      .join(' ')}]`
  }
  return String(value as boolean | bigint)
}

function goNumber(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const exponent = Math.floor(Math.log10(Math.abs(value)))
  return exponent < -4 || exponent >= 21 ? significant(value, 17) : String(value)
}

/** Go's fmt.Sprintf for the verbs that templates use. */
export function goPrintf(format: string, args: readonly unknown[]): string {
  let used = 0
  const take = (): unknown => args[used++]
  const out = format.replace(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/g,
    (all, flags: string, width?: string, precision?: string, verb = '') => {
      if (verb === '%') return '%'
      const columns = width === '*' ? Number(take()) : Number(width ?? 0)
      const digits =
        precision === '*'
          ? Number(take())
          : precision === undefined
            ? all.includes('.')
              ? 0
              : null
            : Number(precision)
      if (used >= args.length) return `%!${verb}(MISSING)`
      return padded(formatVerb(take(), { verb, digits, flags }), { flags, columns })
    },
  )
  if (used >= args.length) return out
  const extra = args.slice(used).map((value) => `${goType(value)}=${goPrint(value)}`)
  return `${out}%!(EXTRA ${extra.join(', ')})`
}

function padded(text: string, { flags, columns }: { flags: string; columns: number }): string {
  const missing = columns - [...text].length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  if (!flags.includes('0')) return ' '.repeat(missing) + text
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

function formatVerb(
  value: unknown,
  { verb, digits, flags }: { verb: string; digits: number | null; flags: string },
): string {
  const signed = (text: string) => (flags.includes('+') && !text.startsWith('-') ? `+${text}` : text)
  const wrong = () => `%!${verb}(${goType(value)}=${goPrint(value)})`
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  switch (verb) {
    case 'v':
      return isNumber ? signed(goPrint(value)) : goPrint(value)
    case 's': {
      if (isNumber || typeof value === 'boolean') return wrong()
      const text = goPrint(value, '%!s(<nil>)')
      return digits === null ? text : [...text].slice(0, digits).join('')
    }
    case 'q':
      return typeof value === 'string'
        ? JSON.stringify(value)
        : isNumber
          ? `'${String.fromCodePoint(Number(value))}'`
          : `["${goPrint(value)}"]`
    case 'T':
      return goType(value)
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong()
    case 'd':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
        ? signed(String(value))
        : wrong()
    case 'b':
    case 'o':
    case 'x':
    case 'X': {
      const base = { b: 2, o: 8, x: 16, X: 16 }[verb]
      const text = isNumber
        ? value.toString(base)
        : typeof value === 'string'
          ? Buffer.from(value).toString('hex')
          : wrong()
      return verb === 'X' ? text.toUpperCase() : text
    }
    case 'c':
      return isNumber ? String.fromCodePoint(Number(value)) : wrong()
    case 'f':
    case 'F':
      return isNumber ? signed(Number(value).toFixed(digits ?? 6)) : wrong()
    case 'e':
      return isNumber
        ? signed(
            Number(value)
              .toExponential(digits ?? 6)
              .replace(/e([+-])(\d)$/, 'e$10$2'),
          )
        : wrong()
    case 'g':
      return isNumber
        ? signed(digits === null ? goNumber(Number(value)) : significant(Number(value), digits))
        : wrong()
    default:
      return wrong()
  }
}
