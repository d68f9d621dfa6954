import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag, FlagOptions } from '../core/flag.ts'

const exponents: Readonly<Record<string, number>> = { '': 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 }

/** A size in binary units as users write it: `512`, `100m`, `1.5GiB`. @throws FlagValueError in Docker's words. */
export function parseBytes(text: string): number {
  const number = /^[\d.,\s]*/.exec(text)?.[0].trimEnd() ?? ''
  const suffix = text.slice(text.search(/[^\d.,\s]|$/)).toLowerCase()
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(number)) throw new FlagValueError(`invalid size: '${text}'`)
  const unit = /^([bkmgtp]?)(i?b)?$/.exec(suffix)
  if (unit === null || suffix === 'bb' || (unit[1] === '' && unit[2] === 'ib'))
    throw new FlagValueError(`invalid suffix: '${suffix}'`)
  return Math.trunc(Number(number) * 1024 ** (exponents[unit[1] ?? ''] ?? 0))
}

/** A flag that takes a size. */
export function bytes(help: string, options: FlagOptions & { minusOne?: boolean } = {}): Flag<number | null> {
  return custom('bytes', {
    ...options,
    help,
    parse: (text) => (options.minusOne === true && text === '-1' ? -1 : parseBytes(text)),
  })
}

/** A flag that takes a number of CPUs; billionths of one. */
export function cpus(help: string): Flag<number | null> {
  return custom('decimal', {
    help,
    parse: (text) => {
      const fraction = /^([+-]?\d+)\/(\d+)$/.exec(text)
      const value =
        fraction === null
          ? Number(text === '' ? Number.NaN : text)
          : Number(fraction[1]) / Number(fraction[2])
      if (!Number.isFinite(value)) throw new FlagValueError(`failed to parse ${text} as a rational number`)
      const nano = Math.round(value * 1e9)
      if (Math.abs(nano - value * 1e9) > 1e-3) throw new FlagValueError('value is too precise')
      return nano
    },
  })
}
