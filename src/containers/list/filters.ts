import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { parsePort } from '../create/validate-config.ts'
import type { ContainerRecord } from '../records.ts'
import { exitCodeOf, isAlive } from '../state.ts'
import { parseNs } from '../timestamp.ts'

/** What filters ask beyond the record itself. */
export interface FilterFacts {
  /** The ids of images that descend from, or are, the image named; empty when there is none such. */
  imageFamily(name: string): ReadonlySet<string>
  /** @throws NotFoundError */
  container(reference: string): ContainerRecord
  /** Names and ids of the networks that a container is attached to. */
  networksOf(record: ContainerRecord): readonly string[]
  /** Published ports, `8080/tcp`. */
  publishedPorts(record: ContainerRecord): readonly string[]
}

const KNOWN = new Set(
  'ancestor before exited expose health id isolation is-task label label! name network publish since status volume'.split(
    ' ',
  ),
)
const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']

/** One test of all filters at once. Values of one filter are alternatives, except labels, which must all fit. */
export function containerFilter(filters: Filters, facts: FilterFacts): (record: ContainerRecord) => boolean {
  const tests: ((record: ContainerRecord) => boolean)[] = []
  for (const [name, values] of filters) {
    if (!KNOWN.has(name)) throw new InvalidArgumentError(`invalid filter '${name}'`)
    if (values.length > 0) tests.push(testOf(name, values, facts))
  }
  return (record) => tests.every((test) => test(record))
}

function testOf(
  name: string,
  values: readonly string[],
  facts: FilterFacts,
): (record: ContainerRecord) => boolean {
  const invalid = (value: string): never => {
    throw new InvalidArgumentError(`invalid filter '${name}=${value}'`)
  }
  switch (name) {
    case 'id':
      return (record) => values.some((value) => matches(record.id, value))
    case 'name':
      return (record) =>
        values.some((value) => matches(record.name, value) || matches(`/${record.name}`, value))
    case 'label':
      return (record) => values.every((value) => hasLabel(record, value))
    case 'label!':
      return (record) => !values.some((value) => hasLabel(record, value))
    case 'status':
      for (const value of values) {
        if (!STATES.includes(value)) {
          throw new InvalidArgumentError(
            `invalid filter 'status=${value}': invalid value for state (${value}): must be one of ${STATES.join(', ')}`,
          )
        }
      }
      return (record) => values.includes(record.state.status)
    case 'exited': {
      const codes = values.map((value) => (/^-?\d+$/.test(value) ? Number(value) : invalid(value)))
      return (record) =>
        !isAlive(record.state) &&
        record.state.status !== 'created' &&
        codes.includes(exitCodeOf(record.state))
    }
    case 'health':
      for (const value of values) {
        if (!['starting', 'healthy', 'unhealthy', 'none'].includes(value)) invalid(value)
      }
      return (record) => values.includes(record.state.health?.status ?? 'none')
    case 'ancestor': {
      const images = new Set(values.flatMap((value) => [...facts.imageFamily(value)]))
      return (record) => images.has(record.imageId)
    }
    case 'before':
    case 'since': {
      const madeNs = (record: ContainerRecord): bigint => parseNs(record.createdAt) ?? 0n
      const [limitNs = 0n] = values.map((value) => madeNs(facts.container(value)))
      return (record) => (name === 'before' ? madeNs(record) < limitNs : madeNs(record) > limitNs)
    }
    case 'volume':
      return (record) =>
        record.mounts.some((mount) => {
          const source = mount.type === 'volume' ? mount.name : mount.type === 'bind' ? mount.source : ''
          return values.includes(mount.destination) || (source !== '' && values.includes(source))
        })
    case 'network':
      return (record) => {
        const names = facts.networksOf(record)
        return values.some((value) =>
          names.some((known) => known === value || (isFullId(known) && known.startsWith(value))),
        )
      }
    case 'publish':
    case 'expose': {
      const ranges = values.map(parsePort)
      return (record) => {
        const ports =
          name === 'publish' ? facts.publishedPorts(record) : Object.keys(record.config.ExposedPorts ?? {})
        return ports.some((text) => {
          const port = parsePort(text)
          return ranges.some(
            (r) => r.protocol === port.protocol && port.first >= r.first && port.first <= r.last,
          )
        })
      }
    }
    case 'is-task':
      for (const value of values) if (!['true', 'false', '1', '0'].includes(value)) invalid(value)
      return () => values.some((value) => value === 'false' || value === '0')
    case 'isolation':
      return () => values.some((value) => value === 'default' || value === '')
    default:
      return invalid(values[0] ?? '')
  }
}

/** Docker matches ids and names as regular expressions, and as plain parts when they are none. */
function matches(text: string, pattern: string): boolean {
  if (text === pattern || text.includes(pattern)) return true
  if (pattern.length > 256) return false
  try {
    return new RegExp(pattern).test(text)
  } catch {
    return false
  }
}

function hasLabel(record: ContainerRecord, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  const key = equals < 0 ? wanted : wanted.slice(0, equals)
  const value = record.config.Labels?.[key]
  return value !== undefined && (equals < 0 || value === wanted.slice(equals + 1))
}

function isFullId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}
