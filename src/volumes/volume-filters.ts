import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { VolumeRecord } from './volume-store.ts'

const LIST_FILTERS = new Set(['dangling', 'driver', 'label', 'name'])
const PRUNE_FILTERS = new Set(['label', 'label!', 'all'])

/** @throws InvalidArgumentError for a filter that lists do not know, or a dangling that is no boolean. */
export function checkListFilters(filters: Filters): void {
  check(filters, LIST_FILTERS)
  for (const value of filters.get('dangling') ?? []) booleanOf('dangling', value)
}

/** @throws InvalidArgumentError for a filter that prune does not know. */
export function checkPruneFilters(filters: Filters): void {
  check(filters, PRUNE_FILTERS)
  for (const value of filters.get('all') ?? []) booleanOf('all', value)
}

/** Tells whether a volume passes the filters of a list. */
export function passesList(record: VolumeRecord, filters: Filters, isUsed: boolean): boolean {
  const dangling = filters.get('dangling') ?? []
  if (dangling.length > 0 && !dangling.some((value) => booleanOf('dangling', value) === !isUsed)) return false
  const drivers = filters.get('driver') ?? []
  if (drivers.length > 0 && !drivers.includes(record.driver)) return false
  const names = filters.get('name') ?? []
  if (names.length > 0 && !names.some((name) => nameMatches(record.name, name))) return false
  return (filters.get('label') ?? []).every((label) => hasLabel(record, label))
}

/** Tells whether a volume may be pruned by its labels. */
export function passesPrune(record: VolumeRecord, filters: Filters): boolean {
  return (
    (filters.get('label') ?? []).every((label) => hasLabel(record, label)) &&
    !(filters.get('label!') ?? []).some((label) => hasLabel(record, label))
  )
}

function hasLabel(record: VolumeRecord, label: string): boolean {
  const equals = label.indexOf('=')
  if (equals === -1) return Object.hasOwn(record.labels, label)
  return record.labels[label.slice(0, equals)] === label.slice(equals + 1)
}

/** A part of the name, or a regular expression. */
function nameMatches(name: string, wanted: string): boolean {
  if (name.includes(wanted)) return true
  try {
    return new RegExp(wanted).test(name)
  } catch {
    return false
  }
}

function check(filters: Filters, known: ReadonlySet<string>): void {
  for (const name of filters.keys()) {
    if (!known.has(name)) throw new InvalidArgumentError(`invalid filter '${name}'`)
  }
}

function booleanOf(name: string, value: string): boolean {
  const word = value.toLowerCase()
  if (word === 'true' || word === '1') return true
  if (word === 'false' || word === '0') return false
  throw new InvalidArgumentError(
    name === 'all'
      ? `invalid filter 'all': strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`
      : `invalid filter '${name}=[${value}]'`,
  )
}
