import type { CgroupFeatures } from '#kernel/cgroups/cgroups.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'

/** A limit that a machine may be unable to keep. */
interface Limit {
  readonly fields: readonly (keyof HostConfig)[]
  readonly feature: keyof CgroupFeatures
  /** dockerd's words. */
  readonly warning: string
}

const NO = 'Your kernel does not support'
const OR = 'or the cgroup is not mounted.'

const LIMITS: readonly Limit[] = [
  {
    fields: ['Memory', 'MemorySwap'],
    feature: 'memoryLimit',
    warning: `${NO} memory limit capabilities ${OR} Limitation discarded.`,
  },
  {
    fields: ['MemoryReservation'],
    feature: 'memoryLimit',
    warning: `${NO} memory soft limit capabilities ${OR} Limitation discarded.`,
  },
  {
    fields: ['MemorySwappiness'],
    feature: 'memorySwappiness',
    warning: `${NO} memory swappiness capabilities, or the cgroup is not mounted. Memory swappiness discarded.`,
  },
  {
    fields: ['OomKillDisable'],
    feature: 'oomKillDisable',
    warning: `${NO} OomKillDisable. OomKillDisable discarded.`,
  },
  {
    fields: ['PidsLimit'],
    feature: 'pidsLimit',
    warning: `${NO} PIDs limit capabilities ${OR} PIDs limit discarded.`,
  },
  { fields: ['CpuShares'], feature: 'cpuShares', warning: `${NO} CPU shares ${OR} Shares discarded.` },
  {
    fields: ['CpusetCpus', 'CpusetMems'],
    feature: 'cpuSet',
    warning: `${NO} cpuset ${OR} Cpuset discarded.`,
  },
  {
    fields: ['BlkioWeight'],
    feature: 'blkioWeight',
    warning: `${NO} Block I/O weight ${OR} Weight discarded.`,
  },
  {
    fields: ['BlkioWeightDevice'],
    feature: 'blkioWeight',
    warning: `${NO} Block I/O weight_device ${OR} Weight-device discarded.`,
  },
]

/**
 * What this machine can keep of a container's limits. As in Docker, a limit that it cannot keep is not an error: it is
 * dropped, and whoever makes the container is warned.
 */
export function supportedLimits(
  hostConfig: HostConfig,
  features: CgroupFeatures,
): { readonly hostConfig: HostConfig; readonly warnings: readonly string[] } {
  const kept: Record<string, unknown> = { ...hostConfig }
  const warnings: string[] = []
  for (const { fields, feature, warning } of LIMITS) {
    const asked = fields.filter((field) => isAsked(hostConfig[field]))
    if (features[feature] || asked.length === 0) continue
    for (const field of asked) kept[field] = null
    warnings.push(warning)
  }
  if (features.memoryLimit && !features.swapLimit && (hostConfig.Memory ?? 0) > 0) {
    if (isAsked(hostConfig.MemorySwap)) kept['MemorySwap'] = -1
    warnings.push(`${NO} swap limit capabilities ${OR} Memory limited without swap.`)
  }
  return warnings.length === 0 ? { hostConfig, warnings } : { hostConfig: kept as HostConfig, warnings }
}

/** Zero, empty and false say nothing; -1 is how the API leaves swappiness alone and lifts other limits. */
function isAsked(value: unknown): boolean {
  if (typeof value === 'number') return value > 0
  if (Array.isArray(value)) return value.length > 0
  return value !== null && value !== undefined && value !== '' && value !== false
}
