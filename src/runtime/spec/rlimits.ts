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

/** RLIM_INFINITY is 2^64-1; JSON from JavaScript can hold 2^64, which runtimes refuse: 2^63 is as good as none. */
function unlimited(value: number): number {
  return value < 0 ? 2 ** 63 : value
}
