import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag } from '../core/flag.ts'

/** A limit of getrlimit(2). */
export interface Ulimit {
  readonly Name: string
  readonly Soft: number
  readonly Hard: number
}

const names = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  ),
)

/** `nofile=1024[:2048]`. @throws FlagValueError. */
export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf('=')
  if (equals < 0) throw new FlagValueError(`invalid ulimit argument: ${text}`)
  const Name = text.slice(0, equals)
  if (!names.has(Name)) throw new FlagValueError(`invalid ulimit type: ${Name}`)
  const parts = text.slice(equals + 1).split(':')
  if (parts.length > 2)
    throw new FlagValueError(
      `too many limit value arguments - ${text.slice(equals + 1)}, can only have up to two, \`soft[:hard]\``,
    )
  const [Soft = 0, Hard = Soft] = parts.map((part) => {
    if (!/^-?\d+$/.test(part))
      throw new FlagValueError(`strconv.ParseInt: parsing ${JSON.stringify(part)}: invalid syntax`)
    return Number(part)
  })
  if (Hard !== -1 && (Soft > Hard || Soft === -1))
    throw new FlagValueError(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`)
  return { Name, Soft, Hard }
}

/** The flag `--ulimit`: one limit a name, the last wins. */
export function ulimits(): Flag<readonly Ulimit[] | null> {
  return custom<readonly Ulimit[]>('ulimit', {
    help: 'Limit of processes (name=soft[:hard])',
    parse: (text, before) => {
      const limit = parseUlimit(text)
      return [...(before ?? []).filter(({ Name }) => Name !== limit.Name), limit].toSorted((a, b) =>
        a.Name < b.Name ? -1 : 1,
      )
    },
  })
}
