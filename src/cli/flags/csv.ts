import { FlagValueError } from '../core/flag.ts'

/** The fields of one line of comma-separated values, with quotes as RFC 4180 has them. @throws FlagValueError. */
export function csvFields(text: string): string[] {
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (text.charAt(at) === '"') {
      const match = /^"((?:[^"]|"")*)"(?=,|$)/.exec(text.slice(at))
      if (match === null)
        throw new FlagValueError(
          `parse error on line 1, column ${at + 1}: extraneous or missing " in quoted-field`,
        )
      fields.push((match[1] ?? '').replaceAll('""', '"'))
      at += match[0].length
    } else {
      const end = text.indexOf(',', at)
      const field = text.slice(at, end < 0 ? text.length : end)
      if (field.includes('"'))
        throw new FlagValueError(
          `parse error on line 1, column ${at + field.indexOf('"') + 1}: bare " in non-quoted-field`,
        )
      fields.push(field)
      at += field.length
    }
    if (at >= text.length) return fields
    at += 1
  }
}

/** Go's strconv.ParseBool. */
export function parseGoBool(text: string): boolean | null {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : null
}
