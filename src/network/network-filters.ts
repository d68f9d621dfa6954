import { parseMomentMs } from '#spec/docker/timestamp.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { NetworkRecord } from './records.ts'

const LIST = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'])
const PRUNE = new Set(['until', 'label', 'label!'])

/** Selects networks for `docker network ls`. @throws InvalidArgumentError `invalid filter 'x'`. */
export function listFilter(
  filters: Filters,
  inUse: (network: NetworkRecord) => boolean,
): (network: NetworkRecord) => boolean {
  refuseOthers(filters, LIST)
  const dangling = flagOf(filters.get('dangling'), 'dangling')
  for (const type of filters.get('type') ?? []) {
    if (type !== 'custom' && type !== 'builtin')
      throw new InvalidArgumentError(`invalid filter: 'type'='${type}'`)
  }
  const any = (name: string, match: (value: string) => boolean): boolean => {
    const values = filters.get(name) ?? []
    return values.length === 0 || values.some(match)
  }
  return (network) =>
    any('driver', (value) => value === (network.plugin ?? network.driver)) &&
    any('id', (value) => network.id.includes(value)) &&
    any('name', (value) => network.name.includes(value)) &&
    any('scope', (value) => value === scopeOf(network)) &&
    any('type', (value) => (value === 'builtin') === isPredefined(network.name)) &&
    (filters.get('label') ?? []).every((value) => hasLabel(network, value)) &&
    (dangling === null || dangling === !(inUse(network) || isPredefined(network.name)))
}

/** Selects networks for `docker network prune`. @throws InvalidArgumentError. */
export function pruneFilter(filters: Filters, now: number): (network: NetworkRecord) => boolean {
  refuseOthers(filters, PRUNE)
  const until = filters.get('until') ?? []
  if (until.length > 1) throw new InvalidArgumentError('more than one until filter specified')
  const before = until[0] === undefined ? Infinity : parseMomentMs(until[0], now)
  return (network) =>
    Date.parse(network.created) < before &&
    (filters.get('label') ?? []).every((value) => hasLabel(network, value)) &&
    (filters.get('label!') ?? []).every((value) => !hasLabel(network, value))
}

/** Where a network is known: on this host, or on all hosts of the cluster. */
export function scopeOf(network: NetworkRecord): 'local' | 'global' {
  return network.driver === 'overlay' ? 'global' : 'local'
}

/** Tells whether it is one of the networks that every daemon has. */
export function isPredefined(name: string): boolean {
  return name === 'bridge' || name === 'host' || name === 'none'
}

function refuseOthers(filters: Filters, known: ReadonlySet<string>): void {
  for (const name of filters.keys()) {
    if (!known.has(name)) throw new InvalidArgumentError(`invalid filter '${name}'`)
  }
}

function hasLabel(network: NetworkRecord, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals === -1) return Object.hasOwn(network.labels, wanted)
  return network.labels[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}

function flagOf(values: readonly string[] | undefined, name: string): boolean | null {
  const [value] = values ?? []
  if (value === undefined) return null
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw new InvalidArgumentError(`invalid filter '${name}=[${(values ?? []).join(' ')}]'`)
}
