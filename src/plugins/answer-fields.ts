import type { PluginAnswer } from './plugins.ts'

/**
 * Readers of fields of an answer. As in Docker, the case of a field's name does not matter, and what is absent or null is the empty
 * value.
 * @throws TypeError naming the field when it is of another type
 */
export function textField(answer: PluginAnswer, name: string): string {
  const value = field(answer, name) ?? ''
  if (typeof value !== 'string') throw wrongType(name, 'text')
  return value
}

export function flagField(answer: PluginAnswer, name: string): boolean {
  const value = field(answer, name) ?? false
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false')
  return value
}

export function recordField(answer: PluginAnswer, name: string): PluginAnswer | null {
  const value = field(answer, name) ?? null
  if (value !== null && !isRecord(value)) throw wrongType(name, 'an object')
  return value
}

export function recordsField(answer: PluginAnswer, name: string): readonly PluginAnswer[] {
  const value = field(answer, name) ?? []
  if (!Array.isArray(value) || !value.every(isRecord)) throw wrongType(name, 'a list of objects')
  return value
}

export function textsField(answer: PluginAnswer, name: string): readonly string[] {
  const value = field(answer, name) ?? []
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw wrongType(name, 'a list of texts')
  }
  return value
}

export function isRecord(value: unknown): value is PluginAnswer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function field(answer: PluginAnswer, name: string): unknown {
  if (Object.hasOwn(answer, name)) return answer[name]
  const wanted = name.toLowerCase()
  const key = Object.keys(answer).find((other) => other.toLowerCase() === wanted)
  return key === undefined ? undefined : answer[key]
}

function wrongType(name: string, wanted: string): TypeError {
  return new TypeError(`${JSON.stringify(name)} is not ${wanted}`)
}
