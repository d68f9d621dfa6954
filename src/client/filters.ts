import type { Filters } from '#spec/docker/filters.ts'

/** Filters in the form that the API's `filters` query takes; undefined when there are none. */
export function filtersQuery(filters: Filters | undefined): string | undefined {
  if (filters === undefined || filters.size === 0) return undefined
  const sets: Record<string, Record<string, true>> = {}
  for (const [name, values] of filters)
    sets[name] = Object.fromEntries(values.map((value) => [value, true as const]))
  return JSON.stringify(sets)
}
