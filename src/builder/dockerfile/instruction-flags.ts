import type { Flags, Keyword } from './instructions.ts'

/** Which flags an instruction knows, and which of them may be given several times. */
const KNOWN: Partial<Record<Keyword, Readonly<Record<string, 'once' | 'many' | 'switch'>>>> = {
  from: { platform: 'once' },
  run: { mount: 'many', network: 'once', security: 'once', device: 'many' },
  copy: { from: 'once', chown: 'once', chmod: 'once', link: 'switch', parents: 'switch', exclude: 'many' },
  add: {
    chown: 'once',
    chmod: 'once',
    link: 'switch',
    checksum: 'once',
    'keep-git-dir': 'switch',
    unpack: 'switch',
    exclude: 'many',
  },
  healthcheck: {
    interval: 'once',
    timeout: 'once',
    'start-period': 'once',
    'start-interval': 'once',
    retries: 'once',
  },
}

/**
 * Takes the leading `--flag` words off an instruction's arguments.
 * @throws Error in Docker's words for an unknown flag, a missing value or a repetition.
 */
export function takeFlags(keyword: Keyword, text: string): { flags: Flags; rest: string } {
  const flags = new Map<string, string[]>()
  let rest = text.trimStart()
  for (;;) {
    const match = /^--([A-Za-z][\w-]*)?(?:=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])*))?(?=\s|$)/s.exec(
      rest,
    )
    if (match === null) break
    rest = rest.slice(match[0].length).trimStart()
    const name = match[1]
    if (name === undefined) break
    const shape = KNOWN[keyword]?.[name]
    if (shape === undefined) throw new Error(`unknown flag: --${name}`)
    const value = match[2] === undefined ? null : unquote(match[2])
    if (value === null && shape !== 'switch') throw new Error(`missing a value on flag: ${name}`)
    const before = flags.get(name)
    if (before !== undefined && shape !== 'many') throw new Error(`duplicate flag specified: ${name}`)
    flags.set(name, [...(before ?? []), value ?? 'true'])
  }
  return { flags, rest }
}

/** The value of a flag that is given once, or null. */
export function flagValue(flags: Flags, name: string): string | null {
  return flags.get(name)?.at(-1) ?? null
}

/** Tells whether a switch is on. @throws Error for a value that is neither true nor false. */
export function flagSwitch(flags: Flags, name: string): boolean {
  const value = flagValue(flags, name)
  if (value === null || value === 'false' || value === '0') return false
  if (value === 'true' || value === '1') return true
  throw new Error(`expecting boolean value for flag ${name}, not: ${value}`)
}

function unquote(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, '$2')
}
