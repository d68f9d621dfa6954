import { ExitError } from './exit.ts'
import { parseGoDurationNs } from '#base/go-duration.ts'

/**
 * A time as users write it (a date, a duration before now, seconds) as the API takes it: seconds with a fraction.
 * @returns undefined for ''.
 */
export function apiTime(
  text: string,
  { what, nowMs = Date.now() }: { what: string; nowMs?: number },
): string | undefined {
  if (text === '') return undefined
  const durationNs = parseGoDurationNs(text)
  if (durationNs !== null) return seconds(BigInt(nowMs) * 1_000_000n - BigInt(durationNs))
  if (/^-?\d+(\.\d{1,9})?$/.test(text)) return text
  const timeNs = parseDate(text)
  if (timeNs === null)
    throw new ExitError(
      1,
      `invalid value for "${what}": failed to parse value as time or duration: "${text}"`,
    )
  return seconds(timeNs)
}

function seconds(timeNs: bigint): string {
  return `${timeNs / 1_000_000_000n}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}`
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d))?(?::(\d\d))?(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?$/

function parseDate(text: string): bigint | null {
  const match = DATE.exec(text)
  if (match === null) return null
  const [, day, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = match
  // Without a zone the user's own is meant, which is how Date reads a text without one.
  const ms = new Date(`${day}T${hour}:${minute}:${second}${zone}`).getTime()
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
