import { InvalidArgumentError } from '#errors/errors.ts'

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Parses Go's duration text (`1m30s`, `500ms`) to nanoseconds. @throws InvalidArgumentError in Go's words. */
export function parseDurationNs(text: string): number {
  let total = 0
  let rest = text.replace(/^\+/, '')
  if (rest === '0') return 0
  if (rest === '') throw new InvalidArgumentError(`time: invalid duration ${JSON.stringify(text)}`)
  while (rest !== '') {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/.exec(rest)
    if (match === null) throw new InvalidArgumentError(`time: invalid duration ${JSON.stringify(text)}`)
    total += Number(match[1]) * (UNITS[match[2] as string] as number)
    rest = rest.slice(match[0].length)
  }
  return Math.round(total)
}
