import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KernelError } from '#errors/errors.ts'
import { signalPid } from '../processes.ts'
import type { BlockIoEntry, Cgroup, CgroupFeatures, CgroupLimits, Cgroups, CgroupStats } from './cgroups.ts'
import {
  childGroups,
  parseFlatKeyed,
  parseLimit,
  processesBelow,
  readControl,
  readControlIfAny,
  removeGroup,
  waitForControl,
  writeControl,
} from './files.ts'

/** USER_HZ, which cpuacct.stat counts in: 100 on every architecture Linux gives Node for. */
const NS_PER_TICK = 10_000_000

/** Where each controller's hierarchy is mounted; `unified` and `name=systemd` have no controller but hold processes. */
export type Hierarchies = ReadonlyMap<string, string>

/** cgroup v1, a hierarchy for each controller or two (Documentation/admin-guide/cgroup-v1/). */
export class SplitCgroups implements Cgroups {
  readonly version = '1'
  readonly features: CgroupFeatures
  readonly #hierarchies: Hierarchies

  constructor(hierarchies: Hierarchies) {
    this.#hierarchies = hierarchies
    const has = (controller: string, file: string): boolean => {
      const root = hierarchies.get(controller)
      return root !== undefined && existsSync(join(root, file))
    }
    this.features = {
      memoryLimit: has('memory', 'memory.limit_in_bytes'),
      swapLimit: has('memory', 'memory.memsw.limit_in_bytes'),
      memorySwappiness: has('memory', 'memory.swappiness'),
      oomKillDisable: has('memory', 'memory.oom_control'),
      cpuCfsPeriod: hierarchies.has('cpu'),
      cpuCfsQuota: hierarchies.has('cpu'),
      cpuShares: has('cpu', 'cpu.shares'),
      cpuRealtime: has('cpu', 'cpu.rt_runtime_us'),
      cpuSet: hierarchies.has('cpuset'),
      pidsLimit: hierarchies.has('pids'),
      blkioWeight: has('blkio', 'blkio.weight') || has('blkio', 'blkio.bfq.weight'),
    }
  }

  group(path: string): Cgroup {
    return new SplitCgroup(path, this.#hierarchies)
  }

  children(path: string): readonly string[] {
    const names = new Set<string>()
    for (const root of this.#hierarchies.values())
      for (const name of childGroups(join(root, path))) names.add(name)
    return [...names]
  }
}

class SplitCgroup implements Cgroup {
  readonly path: string
  readonly #hierarchies: Hierarchies

  constructor(path: string, hierarchies: Hierarchies) {
    this.path = path
    this.#hierarchies = hierarchies
  }

  update(limits: CgroupLimits): void {
    const write = (controller: string, file: string, value: string | number | undefined): void => {
      if (value !== undefined) writeControl(this.#file(controller, file), value)
    }
    this.#updateMemory(limits)
    write('memory', 'memory.soft_limit_in_bytes', limits.memoryReservationBytes)
    write('cpu', 'cpu.shares', limits.cpuShares)
    write('cpu', 'cpu.cfs_period_us', limits.cpuPeriodUs)
    write('cpu', 'cpu.cfs_quota_us', limits.cpuQuotaUs === 0 ? -1 : limits.cpuQuotaUs)
    write('cpu', 'cpu.rt_period_us', limits.cpuRealtimePeriodUs)
    write('cpu', 'cpu.rt_runtime_us', limits.cpuRealtimeRuntimeUs)
    write('cpuset', 'cpuset.cpus', limits.cpusetCpus)
    write('cpuset', 'cpuset.mems', limits.cpusetMems)
    write('pids', 'pids.max', (limits.pidsLimit ?? 0) < 0 ? 'max' : limits.pidsLimit)
    if (limits.blkioWeight !== undefined) {
      const file = existsSync(this.#file('blkio', 'blkio.weight')) ? 'blkio.weight' : 'blkio.bfq.weight'
      write('blkio', file, limits.blkioWeight)
    }
  }

  /** The kernel keeps memory ≤ memory and swap at every moment: which one goes first depends on the direction. */
  #updateMemory(limits: CgroupLimits): void {
    const memory = this.#file('memory', 'memory.limit_in_bytes')
    const both = this.#file('memory', 'memory.memsw.limit_in_bytes')
    const { memoryBytes, memorySwapBytes } = limits
    if (memorySwapBytes === undefined || !existsSync(both)) {
      if (memoryBytes !== undefined) writeControl(memory, memoryBytes)
      return
    }
    const present = parseLimit(readControl(both)) ?? Infinity
    const raises = memorySwapBytes < 0 || memorySwapBytes > present
    if (raises) writeControl(both, memorySwapBytes)
    if (memoryBytes !== undefined) writeControl(memory, memoryBytes)
    if (!raises) writeControl(both, memorySwapBytes)
  }

  stats(): CgroupStats {
    const read = (controller: string, file: string): string | null => {
      const root = this.#hierarchies.get(controller)
      return root === undefined ? null : readControlIfAny(join(root, this.path, file))
    }
    const usage = readControl(this.#file('cpuacct', 'cpuacct.usage'))
    const ticks = parseFlatKeyed(read('cpuacct', 'cpuacct.stat') ?? '')
    const throttling = parseFlatKeyed(read('cpu', 'cpu.stat') ?? '')
    const perCpu = read('cpuacct', 'cpuacct.usage_percpu') ?? ''
    return {
      cpu: {
        usageNs: Number(usage),
        userNs: (ticks['user'] ?? 0) * NS_PER_TICK,
        systemNs: (ticks['system'] ?? 0) * NS_PER_TICK,
        perCpuNs: perCpu.trim() === '' ? [] : perCpu.trim().split(/\s+/).map(Number),
        periods: throttling['nr_periods'] ?? 0,
        throttledPeriods: throttling['nr_throttled'] ?? 0,
        throttledNs: throttling['throttled_time'] ?? 0,
      },
      memory: {
        usageBytes: Number(read('memory', 'memory.usage_in_bytes') ?? 0),
        maxUsageBytes: Number(read('memory', 'memory.max_usage_in_bytes') ?? 0),
        failures: Number(read('memory', 'memory.failcnt') ?? 0),
        limitBytes: parseLimit(read('memory', 'memory.limit_in_bytes')),
        stat: parseFlatKeyed(read('memory', 'memory.stat') ?? ''),
      },
      pids: {
        current: Number(read('pids', 'pids.current') ?? 0),
        limit: parseLimit(read('pids', 'pids.max')),
      },
      blockIo: {
        serviceBytes: parseBlkio(read('blkio', 'blkio.throttle.io_service_bytes_recursive') ?? ''),
        serviced: parseBlkio(read('blkio', 'blkio.throttle.io_serviced_recursive') ?? ''),
      },
    }
  }

  pids(): readonly number[] {
    return processesBelow(this.#anyDirectory())
  }

  async freeze(): Promise<void> {
    const file = this.#file('freezer', 'freezer.state')
    writeControl(file, 'FROZEN')
    await waitForControl(file, (text) => {
      if (text === 'FROZEN') return true
      // A process that forks while the group freezes may leave it FREEZING: the kernel wants to be asked again.
      writeControl(file, 'FROZEN')
      return false
    })
  }

  async thaw(): Promise<void> {
    const file = this.#file('freezer', 'freezer.state')
    writeControl(file, 'THAWED')
    await waitForControl(file, (text) => text === 'THAWED')
  }

  isFrozen(): boolean {
    const root = this.#hierarchies.get('freezer')
    return (
      root !== undefined &&
      (readControlIfAny(join(root, this.path, 'freezer.state')) ?? 'THAWED') !== 'THAWED'
    )
  }

  async kill(): Promise<void> {
    if (this.pids().length === 0) return
    // Frozen processes cannot fork away from the list; the signal takes effect when they are thawed.
    const frozen = await this.freeze().then(
      () => true,
      () => false,
    )
    for (const pid of this.pids()) signalPid(pid, 9)
    if (frozen) await this.thaw().catch(() => {})
  }

  oomKills(): number {
    const root = this.#hierarchies.get('memory')
    if (root === undefined) return 0
    return (
      parseFlatKeyed(readControlIfAny(join(root, this.path, 'memory.oom_control')) ?? '')['oom_kill'] ?? 0
    )
  }

  watchOomKills(): null {
    return null
  }

  async remove(): Promise<void> {
    await Promise.all(
      [...new Set(this.#hierarchies.values())].map((root) => removeGroup(join(root, this.path))),
    )
  }

  #anyDirectory(): string {
    const root = this.#hierarchies.get('freezer') ?? [...this.#hierarchies.values()][0] ?? ''
    return join(root, this.path)
  }

  #file(controller: string, file: string): string {
    const root = this.#hierarchies.get(controller)
    if (root === undefined)
      throw new KernelError('open', 'ENODEV', { path: file, detail: `no ${controller} cgroup` })
    return join(root, this.path, file)
  }
}

/** `8:0 Read 123`; the line of totals has no device. */
function parseBlkio(text: string): readonly BlockIoEntry[] {
  const entries: BlockIoEntry[] = []
  for (const line of text.split('\n')) {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line)
    if (match === null) continue
    entries.push({
      major: Number(match[1]),
      minor: Number(match[2]),
      op: match[3] ?? '',
      value: Number(match[4]),
    })
  }
  return entries
}
