import { InvalidArgumentError } from '#errors/errors.ts'
import { SETTINGS } from './settings.ts'
import type { Setting, SettingValue, SettingValues } from './settings.ts'

/** What the command line asks for. */
export interface CommandLine {
  readonly action: 'run' | 'version' | 'help' | 'validate'
  /** Settings given as flags, by key. */
  readonly values: SettingValues
  /** `--config-file`, or null for the default, which may be absent. */
  readonly configFile: string | null
}

const BY_FLAG = new Map<string, Setting>()
for (const setting of SETTINGS) {
  if (setting.flag !== null) BY_FLAG.set(`--${setting.flag ?? setting.key}`, setting)
  if (setting.letter !== undefined) BY_FLAG.set(`-${setting.letter}`, setting)
}
BY_FLAG.set('--graph', SETTINGS[0] as Setting).set('-g', SETTINGS[0] as Setting)

/**
 * Reads the command line.
 * @throws InvalidArgumentError for flags that are not known, lack their value, or are not supported.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const values = new Map<string, SettingValue>()
  let action: CommandLine['action'] = 'run'
  let configFile: string | null = null
  const waiting = [...argv]
  for (let word = waiting.shift(); word !== undefined; word = waiting.shift()) {
    const { flag, attached } = split(word)
    const take = (): string => {
      const value = attached ?? waiting.shift()
      if (value === undefined) throw new InvalidArgumentError(`flag needs an argument: ${flag}`)
      return value
    }
    if (flag === '--help' || flag === '-h') action = 'help'
    else if (flag === '--version' || flag === '-v') action = 'version'
    else if (flag === '--validate') action = 'validate'
    else if (flag === '--config-file') configFile = take()
    else {
      const setting = BY_FLAG.get(flag)
      if (setting === undefined) throw unknown(flag)
      add(values, setting, setting.kind === 'boolean' ? (attached ?? 'true') : take())
    }
  }
  return { action, values, configFile }
}

function split(word: string): { flag: string; attached: string | null } {
  if (!word.startsWith('-') || word === '-') throw new InvalidArgumentError(`unknown command: ${word}`)
  const equals = word.indexOf('=')
  if (equals !== -1) return { flag: word.slice(0, equals), attached: word.slice(equals + 1) }
  // `-Hunix:///x`, as pflag reads it.
  if (!word.startsWith('--') && word.length > 2) return { flag: word.slice(0, 2), attached: word.slice(2) }
  return { flag: word, attached: null }
}

function unknown(flag: string): InvalidArgumentError {
  return new InvalidArgumentError(
    flag.startsWith('--') ? `unknown flag: ${flag}` : `unknown shorthand flag: '${flag.slice(1)}' in ${flag}`,
  )
}

function add(values: Map<string, SettingValue>, setting: Setting, text: string): void {
  const { key } = setting
  const flag = `--${setting.flag ?? key}`
  switch (setting.kind) {
    case 'string':
      values.set(key, text)
      break
    case 'boolean':
      values.set(key, booleanOf(flag, text))
      break
    case 'integer':
      if (!/^-?\d+$/.test(text)) throw invalid(flag, text)
      values.set(key, Number(text))
      break
    case 'list':
      values.set(key, [...((values.get(key) as string[] | undefined) ?? []), text])
      break
    case 'map':
    case 'object':
      values.set(key, addObject(key, { flag, text, before: values.get(key) }))
      break
  }
}

function addObject(
  key: string,
  given: { readonly flag: string; readonly text: string; readonly before: SettingValue | undefined },
): SettingValue {
  const { flag, text, before } = given
  if (key === 'default-address-pools') {
    const pool = Object.fromEntries(text.split(',').map((part) => part.split('=', 2) as [string, string]))
    if (pool['base'] === undefined || !/^\d+$/.test(pool['size'] ?? '')) throw invalid(flag, text)
    return [...((before as unknown[] | undefined) ?? []), { base: pool['base'], size: Number(pool['size']) }]
  }
  if (key === 'features') {
    const [name = '', value = 'true'] = text.split('=', 2)
    if (name === '') throw invalid(flag, text)
    return { ...(before as Record<string, unknown> | undefined), [name]: booleanOf(flag, value) }
  }
  const equals = text.indexOf('=')
  if (equals < 1) throw invalid(flag, text)
  const name = text.slice(0, equals)
  const value = text.slice(equals + 1)
  const others = (before as Record<string, unknown> | undefined) ?? {}
  if (key === 'default-network-opts') {
    const option = /^([^=]+)=(.*)$/.exec(value)
    if (option === null) throw invalid(flag, text)
    const [, optionName = '', optionValue = ''] = option
    return { ...others, [name]: { ...(others[name] as object | undefined), [optionName]: optionValue } }
  }
  if (key === 'runtimes') return { ...others, [name]: { path: value } }
  if (key === 'default-ulimits') {
    const [soft, hard] = value.split(':').map(Number)
    if (soft === undefined || Number.isNaN(soft) || Number.isNaN(hard ?? 0)) throw invalid(flag, text)
    return { ...others, [name]: { Name: name, Soft: soft, Hard: hard ?? soft } }
  }
  return { ...others, [name]: value }
}

function booleanOf(flag: string, text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true
  if (/^(0|f|false)$/i.test(text)) return false
  throw invalid(flag, text)
}

function invalid(flag: string, text: string): InvalidArgumentError {
  return new InvalidArgumentError(`invalid argument ${JSON.stringify(text)} for "${flag}" flag`)
}

/** The text of `wharfd --help`. */
export function helpText(): string {
  const lines = SETTINGS.filter((setting) => setting.flag !== null && setting.refused === undefined).map(
    (setting) => {
      const letter = setting.letter === undefined ? '    ' : `-${setting.letter}, `
      const value = setting.kind === 'boolean' ? '' : ` ${setting.kind === 'integer' ? 'int' : setting.kind}`
      return `  ${letter}${`--${setting.flag ?? setting.key}${value}`.padEnd(42)} ${setting.help}`
    },
  )
  return [
    'Usage:  wharfd [OPTIONS]',
    '',
    'A container engine that speaks the Docker Engine API.',
    '',
    'Options:',
    ...lines,
    `      ${'--config-file string'.padEnd(42)} Configuration file (default /etc/wharf/daemon.json)`,
    `      ${'--validate'.padEnd(42)} Check the configuration and exit`,
    `  -v, ${'--version'.padEnd(42)} Print version information and exit`,
    '',
  ].join('\n')
}
