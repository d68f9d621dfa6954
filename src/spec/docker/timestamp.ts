import { parseGoDurationNs } from '#base/go-duration.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

/**
 * A moment as Docker's filters take it (`until`, `since`): seconds since the epoch with a fraction, RFC 3339 (a
 * missing zone is local time), or a Go duration that is counted back from `nowMs`. Milliseconds since the epoch.
 * @throws InvalidArgumentError in Go's words.
 */
export function parseMomentMs(text: string, nowMs: number): number {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const durationNs = parseGoDurationNs(text)
  if (durationNs !== null) return nowMs - durationNs / 1e6
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
