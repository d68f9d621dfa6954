import { InvalidArgumentError } from '#errors/errors.ts'
import { parseRegex } from '../go-values.ts'

/** What each directive of strftime(3) looks like in a text, in the locale `C`. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  a: '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)',
  A: '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)',
  b: '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)',
  B: '(?:January|February|March|April|May|June|July|August|September|October|November|December)',
  c: '\\w{3} \\w{3} [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}',
  d: '(?:0[1-9]|[12][0-9]|3[01])',
  f: '\\d{6}',
  F: '\\d{4}-\\d{2}-\\d{2}',
  H: '(?:[01][0-9]|2[0-3])',
  I: '(?:0[0-9]|1[0-2])',
  j: '\\d{3}',
  L: '\\.\\d{3}',
  m: '(?:0[1-9]|1[0-2])',
  M: '[0-5][0-9]',
  p: '(?:AM|PM)',
  S: '[0-5][0-9]',
  T: '\\d{2}:\\d{2}:\\d{2}',
  u: '[1-7]',
  U: '\\d{2}',
  w: '[0-6]',
  W: '\\d{2}',
  y: '\\d{2}',
  Y: '\\d{4}',
  z: '[+-]\\d{4}',
  Z: '[A-Z]{1,4}T',
  '%': '%',
}

/** What a line looks like that begins with, or has in it, a time in this format of strftime(3). */
export function datetimePattern(format: string): RegExp {
  const pattern = format.replaceAll(
    /%(.)|([.*+?^${}()|[\]\\])/gs,
    (whole, directive?: string, sign?: string) =>
      directive === undefined ? `\\${sign ?? ''}` : (DIRECTIVES[directive] ?? whole),
  )
  return new RegExp(pattern)
}

/** What the first line of an event looks like, or null when each line is one. @throws InvalidArgumentError */
export function eventPattern(format: string | undefined, pattern: string | undefined): RegExp | null {
  if (format !== undefined) return datetimePattern(format)
  if (pattern === undefined) return null
  try {
    return parseRegex(pattern)
  } catch (error) {
    throw new InvalidArgumentError(
      `awslogs could not parse multiline pattern key ${JSON.stringify(pattern)}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}
