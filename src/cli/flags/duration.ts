import { parseGoDurationNs } from '#base/go-duration.ts'
import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag, FlagOptions } from '../core/flag.ts'

/** A flag that takes a duration; nanoseconds. */
export function duration(help: string, options: FlagOptions = {}): Flag<number | null> {
  return custom('duration', {
    ...options,
    help,
    parse: (text) => {
      const value = parseGoDurationNs(text)
      if (value !== null) return value
      const quoted = JSON.stringify(text)
      if (/^[+-]?\d+(\.\d+)?$/.test(text))
        throw new FlagValueError(`time: missing unit in duration ${quoted}`)
      throw new FlagValueError(`time: invalid duration ${quoted}`)
    },
  })
}
