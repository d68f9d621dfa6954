import type { HostConfig } from '#spec/docker/host-config.ts'
import type { OciRlimit } from './oci-spec.ts'

/** Ulimits as OCI writes them, `nofile` → RLIMIT_NOFILE; -1 is no limit. */
export function rlimits(ulimits: HostConfig['Ulimits']): readonly OciRlimit[] {
  return (ulimits ?? []).map((ulimit) => ({
    type: `RLIMIT_${(ulimit.Name ?? '').toUpperCase()}`,
    soft: unlimited(ulimit.Soft ?? 0),
    hard: unlimited(ulimit.Hard ?? 0),
  }))
}

/** The defaults for what the container does not set itself. */
export function defaultUlimits(
  defaults: NonNullable<HostConfig['Ulimits']> | undefined,
  own: HostConfig['Ulimits'],
): NonNullable<HostConfig['Ulimits']> {
  const named = new Set(own?.map((ulimit) => ulimit.Name))
  return (defaults ?? []).filter((ulimit) => !named.has(ulimit.Name))
}

/** RLIM_INFINITY, 2^64-1, is more than a JavaScript number holds exactly: JSON gets its digits. */
const INFINITY = (JSON as unknown as { rawJSON(text: string): number }).rawJSON('18446744073709551615')

function unlimited(value: number): number {
  return value < 0 ? INFINITY : value
}
