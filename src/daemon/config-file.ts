import { readFileSync } from 'node:fs'
import { InvalidArgumentError, errnoOf, messageOf } from '#errors/errors.ts'
import { OLD_KEYS, SETTINGS } from './settings.ts'
import type { Setting, SettingValue, SettingValues } from './settings.ts'

const BY_KEY = new Map(SETTINGS.map((setting) => [setting.key, setting]))

/**
 * Reads daemon.json. An absent file is empty unless it was asked for by name.
 * @throws InvalidArgumentError for what is no JSON, unknown keys (all of them named) and values of the wrong kind
 */
export function readConfigFile(path: string, options: { readonly required: boolean }): SettingValues {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && !options.required) return new Map()
    const reason = errnoOf(error) === 'ENOENT' ? 'no such file or directory' : messageOf(error)
    throw new InvalidArgumentError(
      `unable to configure the Docker daemon with file ${path}: open ${path}: ${reason}`,
    )
  }
  return parseConfigFile(path, text)
}

/** As `readConfigFile`, for text that was read. */
export function parseConfigFile(path: string, text: string): SettingValues {
  const fail = (reason: string): InvalidArgumentError =>
    new InvalidArgumentError(`unable to configure the Docker daemon with file ${path}: ${reason}`)
  let parsed: unknown
  try {
    // Editors of Windows begin files with a byte order mark; an empty file is an empty configuration.
    const clean = text.replace(/^\uFEFF/, '')
    parsed = clean.trim() === '' ? {} : JSON.parse(clean)
  } catch (error) {
    throw fail(`invalid JSON: ${messageOf(error)}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw fail('it is no JSON object')
  const values = new Map<string, SettingValue>()
  const unknown: string[] = []
  for (const [name, value] of Object.entries(parsed)) {
    const key = OLD_KEYS[name] ?? name
    const setting = BY_KEY.get(key)
    if (setting === undefined) unknown.push(name)
    else if (value !== null) values.set(key, checked(setting, value, fail))
  }
  if (unknown.length > 0) {
    throw fail(`the following directives don't match any configuration option: ${unknown.join(', ')}`)
  }
  return values
}

function checked(setting: Setting, value: unknown, fail: (reason: string) => Error): SettingValue {
  const isRight = {
    boolean: typeof value === 'boolean',
    string: typeof value === 'string',
    integer: Number.isInteger(value),
    list: Array.isArray(value) && value.every((item) => typeof item === 'string'),
    map:
      typeof value === 'object' &&
      !Array.isArray(value) &&
      Object.values(value as object).every((item) => typeof item === 'string'),
    object: typeof value === 'object',
  }[setting.kind]
  if (!isRight) throw fail(`invalid value for ${setting.key}: it must be of kind ${setting.kind}`)
  return value as SettingValue
}

/**
 * Joins flags and file. A directive may stand in one of them only, lists and maps too, as in dockerd.
 * @throws InvalidArgumentError naming every directive that is in both
 */
export function mergeSettings(flags: SettingValues, file: SettingValues, path: string): SettingValues {
  const conflicts = [...file.keys()].filter((key) => flags.has(key))
  if (conflicts.length > 0) {
    const shown = conflicts.map(
      (key) => `${key}: (from flag: ${goText(flags.get(key))}, from file: ${goText(file.get(key))})`,
    )
    throw new InvalidArgumentError(
      `unable to configure the Docker daemon with file ${path}: the following directives are specified both as a flag and in the configuration file: ${shown.join(', ')}`,
    )
  }
  return new Map([...flags, ...file])
}

/** As Go prints values with %v: lists in brackets, without quotes. */
function goText(value: SettingValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item) => goText(item as SettingValue)).join(' ')}]`
  if (typeof value === 'object') {
    return `map[${Object.entries(value)
      .map(([key, item]) => `${key}:${goText(item as SettingValue)}`)
      .join(' ')}]`
  }
  return String(value)
}
