import { InvalidArgumentError } from '#errors/errors.ts'
import { noFilters } from '#spec/docker/filters.ts'
import type { Filters } from '#spec/docker/filters.ts'

/**
 * Reads the `filters` parameter: `{"label": ["a"]}`, or the older `{"label": {"a": true}}` that clients still send.
 * @throws InvalidArgumentError when it is neither.
 */
export function parseFilters(text: string): Filters {
  if (text === '') return noFilters
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid(text)
  }
  if (value === null) return noFilters
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(text)
  const filters = new Map<string, readonly string[]>()
  for (const [name, wanted] of Object.entries(value)) {
    const values = valuesOf(wanted)
    if (values === null) throw invalid(text)
    filters.set(name, values)
  }
  return filters
}

function valuesOf(wanted: unknown): readonly string[] | null {
  if (wanted === null) return []
  if (Array.isArray(wanted)) return wanted.every((item) => typeof item === 'string') ? wanted : null
  if (typeof wanted !== 'object') return null
  const entries = Object.entries(wanted)
  return entries.every(([, set]) => typeof set === 'boolean') ? entries.map(([item]) => item) : null
}

function invalid(text: string): InvalidArgumentError {
  return new InvalidArgumentError(`invalid filter: ${JSON.stringify(text.slice(0, 200))}`)
}
