/** The time now in RFC 3339 with nanoseconds, UTC, as Go prints it. The last six digits are the finest clock's. */
export function timestamp(): string {
  return formatNs(nowNs())
}

/** Nanoseconds since the epoch. */
export function nowNs(): bigint {
  return wallOffsetNs() + process.hrtime.bigint()
}

let offsetNs: bigint | null = null

/** What to add to the monotonic clock; taken anew when the wall clock was set by more than a few milliseconds. */
function wallOffsetNs(): bigint {
  const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  if (offsetNs === null || offset - offsetNs > 5_000_000n || offsetNs - offset > 5_000_000n) offsetNs = offset
  return offsetNs
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
