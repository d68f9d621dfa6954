import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'

/** What may stay of the build cache: a rule of `builder.gc` in daemon.json. */
export interface CachePolicy {
  /** Also what images share. */
  readonly all: boolean
  /** Which records the rule is about. */
  readonly filters: Filters
  /** So much stays in any case. Bytes; 0 for none. */
  readonly reservedSpaceBytes: number
  /** More than this does not stay. Bytes; 0 for no limit of its own. */
  readonly maxUsedSpaceBytes: number
  /** So much of the disk shall be free. Bytes; 0 does not ask. */
  readonly minFreeSpaceBytes: number
}

const NO_LIMIT = { reservedSpaceBytes: 0, maxUsedSpaceBytes: 0, minFreeSpaceBytes: 0 }
/** Room that a cache has on the smallest disk. */
const LEAST_BYTES = 2_000_000_000

/**
 * Reads `builder` of daemon.json as dockerd does: `{"gc": {"enabled": true, "defaultKeepStorage": "20GB", "policy": […]}}`.
 * Without policies of its own: nothing that was unused for 60 days, and no more than the default, which is a tenth
 * of the disk. Empty when it is turned off.
 * @throws InvalidArgumentError
 */
export function readCachePolicies(builder: unknown, diskBytes: number): readonly CachePolicy[] {
  const gc = fieldsOf(fieldsOf(builder ?? {}, 'builder')['gc'] ?? {}, 'builder.gc')
  if (gc['enabled'] === false) return []
  const most = bytes(gc, 'defaultKeepStorage') || Math.max(LEAST_BYTES, Math.floor(diskBytes / 10))
  const own = gc['policy']
  if (own !== undefined && own !== null) {
    if (!Array.isArray(own)) throw new InvalidArgumentError('builder.gc.policy must be a list')
    return own.map((policy) => readPolicy(fieldsOf(policy, 'builder.gc.policy')))
  }
  const limits = {
    reservedSpaceBytes: bytes(gc, 'defaultReservedSpace'),
    maxUsedSpaceBytes: bytes(gc, 'defaultMaxUsedSpace') || most,
    minFreeSpaceBytes: bytes(gc, 'defaultMinFreeSpace'),
  }
  return [
    { all: false, filters: new Map([['unused-for', ['1440h']]]), ...NO_LIMIT },
    { all: false, filters: new Map(), ...limits },
    { all: true, filters: new Map(), ...limits },
  ]
}

function readPolicy(policy: Record<string, unknown>): CachePolicy {
  const filters = new Map<string, string[]>()
  const given = policy['filter'] ?? []
  const pairs = Array.isArray(given)
    ? given.map((text) => String(text).split('=', 2) as [string, string?])
    : Object.entries(fieldsOf(given, 'builder.gc.policy.filter')).flatMap(([name, values]) =>
        [values].flat().map((value) => [name, String(value)] as [string, string]),
      )
  for (const [name, value = ''] of pairs) filters.set(name, [...(filters.get(name) ?? []), value])
  const age = policy['keepDuration']
  if (typeof age === 'string') filters.set('unused-for', [age])
  return {
    all: policy['all'] === true,
    filters,
    reservedSpaceBytes: bytes(policy, 'reservedSpace') || bytes(policy, 'keepStorage'),
    maxUsedSpaceBytes: bytes(policy, 'maxUsedSpace'),
    minFreeSpaceBytes: bytes(policy, 'minFreeSpace'),
  }
}

/** Sizes as dockerd takes them: a number of bytes, or a text with a unit of a thousand. */
function bytes(from: Record<string, unknown>, name: string): number {
  const value = from[name]
  if (value === undefined || value === null || value === '') return 0
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?$/i.exec(String(value))
  if (match === null)
    throw new InvalidArgumentError(`invalid size ${JSON.stringify(value)} of builder.gc: ${name}`)
  const power = ' kmgtp'.indexOf((match[2] as string).toLowerCase() || ' ')
  return Math.floor(Number(match[1]) * (match[3] === '' ? 1000 : 1024) ** power)
}

function fieldsOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgumentError(`${name} must be an object`)
  return value as Record<string, unknown>
}
