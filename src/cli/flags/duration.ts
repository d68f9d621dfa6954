import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag, FlagOptions } from '../core/flag.ts'

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Go's time.ParseDuration: `1h30m`, `1.5s`, `0`. @returns nanoseconds; null when it is none. */
export function parseDuration(text: string): number | null {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(text)
  if (match === null) return null
  let total = 0
  for (const [, value, unit] of (match[2] ?? '').matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(value) * (unitNs[unit ?? ''] ?? 0)
  return Math.round(match[1] === '-' ? -total : total)
}

/** A flag that takes a duration; nanoseconds. */
export function duration(help: string, options: FlagOptions = {}): Flag<number | null> {
  return custom('duration', {
    ...options,
    help,
    parse: (text) => {
      const value = parseDuration(text)
      if (value !== null) return value
      const quoted = JSON.stringify(text)
      if (/^[+-]?\d+(\.\d+)?$/.test(text))
        throw new FlagValueError(`time: missing unit in duration ${quoted}`)
      throw new FlagValueError(`time: invalid duration ${quoted}`)
    },
  })
}
