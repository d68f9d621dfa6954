import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { BlockIoEntry, CgroupStats } from '#kernel/cgroups/cgroups.ts'
import type { ContainerBlkioStatEntry } from '#spec/docker/stats.ts'
import type { RuntimeStats } from './runtime.ts'

/** USER_HZ of /proc/stat. */
const NS_PER_TICK = 10_000_000
/** user, nice, system, idle, iowait, irq, softirq: what dockerd adds up. */
const SYSTEM_FIELDS = 7

/** Counters of a cgroup in the shape of Docker's API. Fields that the cgroup version does not have are left out. */
export function containerStats(stats: CgroupStats): RuntimeStats {
  const { cpu, memory, pids, blockIo } = stats
  // cgroup v1 has files for all of these, and dockerd then shows empty lists; v2 does not.
  const none = cpu.perCpuNs.length > 0 ? ([] as const) : null
  return {
    cpu_stats: {
      cpu_usage: {
        total_usage: cpu.usageNs,
        ...(cpu.perCpuNs.length > 0 ? { percpu_usage: cpu.perCpuNs } : {}),
        usage_in_kernelmode: cpu.systemNs,
        usage_in_usermode: cpu.userNs,
      },
      system_cpu_usage: systemCpuNs(readFileSync('/proc/stat', 'latin1')),
      online_cpus: availableParallelism(),
      throttling_data: {
        periods: cpu.periods,
        throttled_periods: cpu.throttledPeriods,
        throttled_time: cpu.throttledNs,
      },
    },
    memory_stats: {
      usage: memory.usageBytes,
      ...(memory.maxUsageBytes === null ? {} : { max_usage: memory.maxUsageBytes }),
      stats: memory.stat,
      ...(memory.failures ? { failcnt: memory.failures } : {}),
      limit: Math.min(memory.limitBytes ?? Infinity, totalmem()),
    },
    pids_stats: { current: pids.current, ...(pids.limit === null ? {} : { limit: pids.limit }) },
    blkio_stats: {
      io_service_bytes_recursive: entries(blockIo.serviceBytes, none),
      io_serviced_recursive: entries(blockIo.serviced, none),
      io_queue_recursive: none,
      io_service_time_recursive: none,
      io_wait_time_recursive: none,
      io_merged_recursive: none,
      io_time_recursive: none,
      sectors_recursive: none,
    },
    num_procs: 0,
  }
}

/** The time all CPUs have had, from the first line of /proc/stat. */
export function systemCpuNs(text: string): number {
  const fields = text.slice(0, text.indexOf('\n')).split(/\s+/)
  const ticks = fields.slice(1, 1 + SYSTEM_FIELDS).reduce((sum, field) => sum + Number(field), 0)
  return ticks * NS_PER_TICK
}

function entries(
  list: readonly BlockIoEntry[],
  none: readonly [] | null,
): readonly ContainerBlkioStatEntry[] | null {
  return list.length === 0 ? none : list.map((entry) => ({ ...entry }))
}
