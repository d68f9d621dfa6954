const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Go's time.ParseDuration: `1h30m`, `1.5s`, `-2m`, `0`. @returns nanoseconds; null for what is none */
export function parseGoDurationNs(text: string): number | null {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(text)
  if (match === null) return null
  let total = 0
  for (const [, value, unit] of (match[2] ?? '').matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(value) * (UNITS_NS[unit ?? ''] ?? 0)
  return Math.round(match[1] === '-' ? -total : total)
}
