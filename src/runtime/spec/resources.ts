import { statSync } from 'node:fs'
import { splitDevice } from '#kernel/device-nodes.ts'
import type { CgroupLimits } from '#kernel/cgroups/cgroups.ts'
import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { Resources, ThrottleDevice } from '#spec/docker/host-config.ts'
import type { OciDeviceRule, OciResources, OciThrottle } from './oci-spec.ts'

/** The period of NanoCpus: 100 ms. */
const CPU_PERIOD_US = 100_000
const NANO_CPUS_PER_US_OF_PERIOD = 1e9 / CPU_PERIOD_US

/**
 * Limits of a container in OCI's form. Zero and absent mean none, as in Docker's API.
 * @throws InvalidArgumentError for a block device that is not there
 */
export function ociResources(resources: Resources, rules: readonly OciDeviceRule[]): OciResources {
  const cpu = withoutEmpty({
    shares: positive(resources.CpuShares),
    ...quota(resources),
    realtimeRuntime: nonZero(resources.CpuRealtimeRuntime),
    realtimePeriod: positive(resources.CpuRealtimePeriod),
    cpus: text(resources.CpusetCpus),
    mems: text(resources.CpusetMems),
  })
  const memory = withoutEmpty({
    limit: positive(resources.Memory),
    reservation: positive(resources.MemoryReservation),
    swap: memorySwap(resources),
    swappiness: swappiness(resources.MemorySwappiness),
    disableOOMKiller: resources.OomKillDisable === true ? true : undefined,
  })
  const blockIO = withoutEmpty({
    weight: positive(resources.BlkioWeight),
    weightDevice: list(resources.BlkioWeightDevice, ({ Path, Weight }) => ({
      ...device(Path),
      weight: Weight ?? 0,
    })),
    throttleReadBpsDevice: list(resources.BlkioDeviceReadBps, throttle),
    throttleWriteBpsDevice: list(resources.BlkioDeviceWriteBps, throttle),
    throttleReadIOPSDevice: list(resources.BlkioDeviceReadIOps, throttle),
    throttleWriteIOPSDevice: list(resources.BlkioDeviceWriteIOps, throttle),
  })
  const pidsLimit = resources.PidsLimit ?? 0
  return {
    devices: rules,
    ...(memory === null ? {} : { memory }),
    ...(cpu === null ? {} : { cpu }),
    ...(pidsLimit === 0 ? {} : { pids: { limit: pidsLimit } }),
    ...(blockIO === null ? {} : { blockIO }),
  }
}

/** The same limits for a running container's cgroup; what is zero or absent stays as it is. */
export function cgroupLimits(resources: Resources): CgroupLimits {
  const { quota: cpuQuotaUs, period: cpuPeriodUs } = quota(resources)
  const limits: Record<keyof CgroupLimits, number | string | undefined> = {
    memoryBytes: positive(resources.Memory),
    memorySwapBytes: nonZero(resources.MemorySwap),
    memoryReservationBytes: positive(resources.MemoryReservation),
    cpuShares: positive(resources.CpuShares),
    cpuQuotaUs,
    cpuPeriodUs,
    cpuRealtimeRuntimeUs: nonZero(resources.CpuRealtimeRuntime),
    cpuRealtimePeriodUs: positive(resources.CpuRealtimePeriod),
    cpusetCpus: text(resources.CpusetCpus),
    cpusetMems: text(resources.CpusetMems),
    pidsLimit: resources.PidsLimit === 0 ? -1 : nonZero(resources.PidsLimit),
    blkioWeight: positive(resources.BlkioWeight),
  }
  return (withoutEmpty(limits) ?? {}) as CgroupLimits
}

function quota(resources: Resources): {
  readonly quota: number | undefined
  readonly period: number | undefined
} {
  const nanoCpus = resources.NanoCpus ?? 0
  if (nanoCpus > 0) return { quota: Math.floor(nanoCpus / NANO_CPUS_PER_US_OF_PERIOD), period: CPU_PERIOD_US }
  return { quota: nonZero(resources.CpuQuota), period: positive(resources.CpuPeriod) }
}

/** A memory limit alone allows as much swap again; -1 allows all. */
function memorySwap(resources: Resources): number | undefined {
  const swap = resources.MemorySwap ?? 0
  const memory = resources.Memory ?? 0
  return swap === 0 && memory > 0 ? memory * 2 : nonZero(swap)
}

/** -1 is the API's way to say nothing. */
function swappiness(value: number | null | undefined): number | undefined {
  return value === null || value === undefined || value < 0 ? undefined : value
}

function throttle(entry: ThrottleDevice): OciThrottle {
  return { ...device(entry.Path), rate: entry.Rate ?? 0 }
}

function device(path: string | null | undefined): { readonly major: number; readonly minor: number } {
  try {
    return splitDevice(statSync(path ?? '').rdev)
  } catch (error) {
    throw new InvalidArgumentError(
      `${path ?? ''}: ${errnoOf(error) === 'ENOENT' ? 'no such file or directory' : String(errnoOf(error))}`,
    )
  }
}

function list<In, Out>(
  items: readonly In[] | null | undefined,
  map: (item: In) => Out,
): readonly Out[] | undefined {
  return items === null || items === undefined || items.length === 0 ? undefined : items.map(map)
}

function positive(value: number | null | undefined): number | undefined {
  return value !== null && value !== undefined && value > 0 ? value : undefined
}

function nonZero(value: number | null | undefined): number | undefined {
  return value === null || value === 0 ? undefined : value
}

function text(value: string | null | undefined): string | undefined {
  return value === null || value === '' ? undefined : value
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

/** Leaves out what is undefined; null when nothing remains. */
function withoutEmpty<T extends object>(values: T): Defined<T> | null {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? null : (Object.fromEntries(entries) as Defined<T>)
}
