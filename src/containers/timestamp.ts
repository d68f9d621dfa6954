import { nowNs } from '#base/wall-clock.ts'

/** The time now in RFC 3339 with nanoseconds, UTC, as Go prints it. The last six digits are the finest clock's. */
export function timestamp(): string {
  return formatNs(nowNs())
}

/** RFC 3339 with nanoseconds, trailing zeros dropped as Go does. */
export function formatNs(ns: bigint): string {
  const seconds = ns / 1_000_000_000n
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`
}

/** Nanoseconds since the epoch of an RFC 3339 text; Go's zero time gives null. */
export function parseNs(text: string): bigint | null {
  if (text.startsWith('0001-')) return null
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return null
  const [, whole, fraction = '', zone] = match
  return BigInt(Date.parse(`${whole}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
