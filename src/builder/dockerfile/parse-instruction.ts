import { DockerfileError } from './dockerfile-error.ts'
import { takeFlags } from './instruction-flags.ts'
import type { CommandLine, Instruction, Keyword, Origin, Pair } from './instructions.ts'
import type { LogicalLine } from './logical-lines.ts'
import { splitWords } from './shell-words.ts'

const KEYWORDS: ReadonlySet<string> = new Set<Keyword>([
  ...([
    'from',
    'arg',
    'env',
    'label',
    'maintainer',
    'workdir',
    'user',
    'stopsignal',
    'expose',
    'volume',
  ] as const),
  ...(['cmd', 'entrypoint', 'shell', 'onbuild', 'healthcheck', 'run', 'copy', 'add'] as const),
])

/**
 * Turns one logical line into an instruction.
 * @throws DockerfileError in Docker's words.
 */
export function parseInstruction(line: LogicalLine, escape: string): Instruction {
  const match = /^(\S+)\s*([^]*)$/.exec(line.text) as RegExpExecArray
  const written = match[1] as string
  const keyword = written.toLowerCase()
  if (!KEYWORDS.has(keyword))
    throw new DockerfileError(line.startLine, `unknown instruction: ${written}${suggestion(keyword)}`)
  const origin: Origin = { text: line.text, startLine: line.startLine, endLine: line.endLine }
  try {
    const { flags, rest } = takeFlags(keyword as Keyword, match[2] as string)
    return { ...origin, ...parseArguments(keyword as Keyword, { rest, flags, line, escape }) } as Instruction
  } catch (error) {
    if (error instanceof DockerfileError) throw error
    throw new DockerfileError(line.startLine, (error as Error).message)
  }
}

function suggestion(keyword: string): string {
  for (const known of KEYWORDS)
    if (distance(keyword, known) <= 2) return ` (did you mean ${known.toUpperCase()}?)`
  return ''
}

/** Levenshtein distance: how many letters must change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

type Parts = {
  rest: string
  flags: ReadonlyMap<string, readonly string[]>
  line: LogicalLine
  escape: string
}

function parseArguments(kind: Keyword, parts: Parts): object {
  const { rest, flags, line, escape } = parts
  const upper = kind.toUpperCase()
  switch (kind) {
    case 'from':
      return parseFrom(rest, flags.get('platform')?.[0] ?? null)
    case 'arg': {
      const words = splitWords(rest, escape)
      if (words.length === 0) throw new Error('ARG requires at least one argument')
      return { kind, args: words.map(parseArg) }
    }
    case 'env':
    case 'label':
      return { kind, pairs: parsePairs(upper, rest, escape) }
    case 'maintainer':
    case 'stopsignal':
    case 'workdir':
    case 'user': {
      if (rest === '') throw new Error(`${upper} requires exactly one argument`)
      if (kind === 'stopsignal' && /\s/.test(rest))
        throw new Error('STOPSIGNAL requires exactly one argument')
      return { kind, value: rest }
    }
    case 'expose':
    case 'volume': {
      const values = (kind === 'volume' ? jsonStrings(rest) : null) ?? splitWords(rest, escape)
      if (values.length === 0) throw new Error(`${upper} requires at least one argument`)
      if (kind === 'volume' && values.includes(''))
        throw new Error('VOLUME specified can not be an empty string')
      return { kind, values }
    }
    case 'cmd':
    case 'entrypoint':
      return { kind, command: parseCommand(rest) }
    case 'run': {
      if (rest === '' && line.heredocs.length === 0) throw new Error('RUN requires at least one argument')
      return { kind, command: parseCommand(rest), heredocs: line.heredocs, flags }
    }
    case 'shell': {
      const argv = jsonStrings(rest)
      if (argv === null) throw new Error('SHELL requires the arguments to be in JSON form')
      if (argv.length === 0) throw new Error('SHELL requires at least one argument')
      return { kind, argv }
    }
    case 'onbuild':
      return { kind, trigger: parseTrigger(rest) }
    case 'healthcheck':
      return { kind, test: parseHealthcheck(rest, flags.size > 0), flags }
    case 'copy':
    case 'add': {
      const words = jsonStrings(rest) ?? splitWords(rest, escape)
      if (words.length < 2) {
        const given =
          words.length === 1
            ? 'only one was provided. Destination could not be determined'
            : 'none were provided'
        throw new Error(`${upper} requires at least two arguments, but ${given}.`)
      }
      return { kind, sources: words.slice(0, -1), destination: words.at(-1), heredocs: line.heredocs, flags }
    }
  }
}

function parseFrom(rest: string, platform: string | null): object {
  const words = rest.split(/\s+/).filter((word) => word !== '')
  const [base, as, name] = words
  if (words.length === 1) return { kind: 'from', base, name: null, platform }
  if (words.length !== 3 || as?.toLowerCase() !== 'as')
    throw new Error('FROM requires either one or three arguments')
  const lower = (name as string).toLowerCase()
  if (!/^[a-z][a-z0-9-_.]*$/.test(lower)) {
    throw new Error(
      `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
    )
  }
  return { kind: 'from', base, name: lower, platform }
}

function parseArg(word: string): { name: string; value: string | null } {
  const equals = word.indexOf('=')
  if (equals === 0) throw new Error('ARG names can not be blank')
  return equals < 0
    ? { name: word, value: null }
    : { name: word.slice(0, equals), value: word.slice(equals + 1) }
}

function parsePairs(upper: string, rest: string, escape: string): Pair[] {
  const words = splitWords(rest, escape)
  const first = words[0]
  if (first === undefined) throw new Error(`${upper} requires at least one argument`)
  if (!first.includes('=')) {
    // The old form: the first word is the name, all the rest is the value.
    const match = /^(\S+)\s+([^]+)$/.exec(rest)
    if (match === null) throw new Error(`${upper} must have two arguments`)
    return [{ name: match[1] as string, value: match[2] as string }]
  }
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 0)
      throw new Error(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      )
    if (equals === 0) throw new Error(`${upper} names can not be blank`)
    return { name: word.slice(0, equals), value: word.slice(equals + 1) }
  })
}

function parseCommand(rest: string): CommandLine {
  const argv = jsonStrings(rest)
  return argv === null ? { form: 'shell', text: rest } : { form: 'exec', argv }
}

function parseTrigger(rest: string): string {
  const trigger = /^\S+/.exec(rest)?.[0].toUpperCase()
  if (trigger === undefined) throw new Error('ONBUILD requires at least one argument')
  if (trigger === 'ONBUILD') throw new Error("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (trigger === 'FROM' || trigger === 'MAINTAINER')
    throw new Error(`${trigger} isn't allowed as an ONBUILD trigger`)
  return rest
}

function parseHealthcheck(rest: string, hasFlags: boolean): CommandLine | null {
  const [, word = '', command = ''] = /^(\S*)\s*([^]*)$/.exec(rest) as RegExpExecArray
  switch (word.toUpperCase()) {
    case '':
      throw new Error('HEALTHCHECK requires at least one argument')
    case 'NONE':
      if (command !== '' || hasFlags) throw new Error('HEALTHCHECK NONE takes no arguments')
      return null
    case 'CMD':
      if (command === '') throw new Error('Missing command after HEALTHCHECK CMD')
      return parseCommand(command)
    default:
      throw new Error(`Unknown type ${JSON.stringify(word.toUpperCase())} in HEALTHCHECK (try CMD)`)
  }
}

/** The strings of a JSON array, or null where the text is not one: then it is in shell form. */
function jsonStrings(text: string): string[] | null {
  if (!text.startsWith('[')) return null
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((entry) => typeof entry === 'string') ? value : null
  } catch {
    return null
  }
}
