import type { HostConfig } from '#spec/docker/host-config.ts'
import type { BuildOptions } from '#spec/docker/options.ts'

/** The limits and the network that the commands of a build run with. */
export function buildHostConfig(options: BuildOptions): HostConfig {
  return {
    NetworkMode: options.networkMode === '' ? 'default' : options.networkMode,
    Memory: options.memoryBytes,
    MemorySwap: options.memorySwapBytes,
    CpuShares: options.cpuShares,
    CpusetCpus: options.cpusetCpus,
    CpuPeriod: options.cpuPeriod,
    CpuQuota: options.cpuQuota,
    CpusetMems: options.cpusetMems,
    ...(options.cgroupParent === '' ? {} : { CgroupParent: options.cgroupParent }),
    Ulimits: options.ulimits,
    SecurityOpt: options.securityOptions,
    ...(options.shmSizeBytes > 0 ? { ShmSize: options.shmSizeBytes } : {}),
    ExtraHosts: options.extraHosts,
  }
}
