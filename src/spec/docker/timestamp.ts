import { InvalidArgumentError } from '#errors/errors.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
}

/**
 * A moment as Docker's filters take it (`until`, `since`): seconds since the epoch with a fraction, RFC 3339 (a
 * missing zone is local time), or a Go duration that is counted back from `nowMs`. Milliseconds since the epoch.
 * @throws InvalidArgumentError in Go's words.
 */
export function parseMomentMs(text: string, nowMs: number): number {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const durationMs = goDurationMs(text)
  if (durationMs !== null) return nowMs - durationMs
  const match = /^\d{4}-\d{2}-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/.exec(
    text,
  )
  const moment = match === null ? NaN : Date.parse(completed(text))
  if (Number.isNaN(moment))
    throw new InvalidArgumentError(`failed to parse value as time or duration: ${JSON.stringify(text)}`)
  return moment
}

function completed(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return `${text}T00:00:00`
  return /T\d{2}(?=$|Z|[+-])/.test(text) ? text.replace(/(T\d{2})(?=$|Z|[+-])/, '$1:00') : text
}

function goDurationMs(text: string): number | null {
  if (!/^([+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$/.test(text))
    return null
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit as string] as number)
  }
  return text.startsWith('-') ? -total : total
}
