import { FlagValueError } from './flag.ts'
import type { Flag, Flags } from './flag.ts'

/** The command line was not understood; the message is pflag's. */
export class UsageError extends Error {}

/** `--help` or `-h` was given. */
export class HelpWanted extends Error {}

/** What was read from a command line. */
export interface Parsed {
  readonly values: Record<string, unknown>
  /** The names of the flags that were given. */
  readonly given: ReadonlySet<string>
  readonly args: readonly string[]
}

/**
 * Reads flags as Go's pflag does: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-abc`, `--` ends them.
 * `--json` is `--format json` for every command that has a format.
 * With `interspersed` false the first argument ends them too, so that what follows belongs to another program.
 * @throws UsageError in pflag's words; HelpWanted.
 */
export function parseFlags(
  flags: Flags,
  argv: readonly string[],
  { interspersed = true }: { interspersed?: boolean } = {},
): Parsed {
  const values: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(flags)) values[name] = flag.initial
  const given = new Set<string>()
  const args: string[] = []
  const rest = [...argv]
  const set = (name: string, text: string) => {
    const flag = flags[name] as Flag<unknown>
    try {
      values[name] = flag.parse(text, values[name])
    } catch (error) {
      if (!(error instanceof FlagValueError)) throw error
      const shown = flag.short === null ? `--${name}` : `-${flag.short}, --${name}`
      throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${error.message}`)
    }
    given.add(name)
  }

  const long = (text: string) => {
    const equals = text.indexOf('=')
    const name = equals < 0 ? text : text.slice(0, equals)
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: --${text}`)
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (flag === undefined) {
      if (name === 'help') throw new HelpWanted()
      if (text === 'json' && Object.hasOwn(flags, 'format')) return set('format', 'json')
      throw new UsageError(`unknown flag: --${name}`)
    }
    if (equals >= 0) return set(name, text.slice(equals + 1))
    if (flag.bare !== null) return set(name, flag.bare)
    const value = rest.shift()
    if (value === undefined) throw new UsageError(`flag needs an argument: --${name}`)
    set(name, value)
  }

  const short = (cluster: string) => {
    let letters = cluster
    while (letters !== '') {
      const letter = letters.charAt(0)
      letters = letters.slice(1)
      const name = Object.keys(flags).find((candidate) => flags[candidate]?.short === letter)
      if (name === undefined) {
        if (letter === 'h') throw new HelpWanted()
        throw new UsageError(`unknown shorthand flag: '${letter}' in -${letter}${letters}`)
      }
      const flag = flags[name] as Flag<unknown>
      if (letters.startsWith('=')) return set(name, letters.slice(1))
      if (flag.bare !== null) {
        set(name, flag.bare)
        continue
      }
      if (letters !== '') return set(name, letters)
      const value = rest.shift()
      if (value === undefined) throw new UsageError(`flag needs an argument: '${letter}' in -${letter}`)
      return set(name, value)
    }
  }

  for (;;) {
    const word = rest.shift()
    if (word === undefined) break
    if (word === '--') {
      args.push(...rest)
      break
    }
    if (word.startsWith('--')) long(word.slice(2))
    else if (word.startsWith('-') && word !== '-') short(word.slice(1))
    else {
      args.push(word)
      if (!interspersed) {
        args.push(...rest)
        break
      }
    }
  }
  return { values, given, args }
}
