import { parseGoDurationNs } from '#base/go-duration.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']
/** Values of options as Go reads them, which is what users know. @throws InvalidArgumentError in Go's words */
export function parseBool(text: string): boolean {
  if (TRUE.includes(text)) return true
  if (FALSE.includes(text)) return false
  throw new InvalidArgumentError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

/** @param options.as the function of Go that the message names @throws InvalidArgumentError */
export function parseInteger(
  text: string,
  options: { readonly as: 'Atoi' | 'ParseInt' | 'ParseUint' },
): number {
  const pattern = options.as === 'ParseUint' ? /^\d+$/ : /^[+-]?\d+$/
  if (!pattern.test(text)) {
    throw new InvalidArgumentError(`strconv.${options.as}: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(
      `strconv.${options.as}: parsing ${JSON.stringify(text)}: value out of range`,
    )
  }
  return value
}

/** A duration such as `1.5s` or `1h2m`, in milliseconds. @throws InvalidArgumentError */
export function parseDurationMs(text: string): number {
  const ns = parseGoDurationNs(text)
  if (ns === null) throw new InvalidArgumentError(`time: invalid duration ${JSON.stringify(text)}`)
  return ns / 1e6
}

/** A regular expression; Go's syntax where it means the same here. @throws InvalidArgumentError */
export function parseRegex(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new InvalidArgumentError(`error parsing regexp: ${regexFault(text, error)}`, { cause: error })
  }
}

function regexFault(text: string, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  if (said.endsWith('Unterminated group')) return `missing closing ): \`${text}\``
  if (said.endsWith("Unmatched ')'")) return `unexpected ): \`${text}\``
  if (said.endsWith('Unterminated character class')) return `missing closing ]: \`${text}\``
  if (said.endsWith('Nothing to repeat')) return `missing argument to repetition operator: \`${text}\``
  return `${said}: \`${text}\``
}
