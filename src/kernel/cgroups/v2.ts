import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  BlockIoEntry,
  Cgroup,
  CgroupFeatures,
  CgroupLimits,
  Cgroups,
  CgroupStats,
  OomWatch,
} from './cgroups.ts'
import { watchOomKills } from './oom-watch.ts'
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

const NS_PER_US = 1000

/** cgroup v2's unified hierarchy (Documentation/admin-guide/cgroup-v2.rst). */
export class UnifiedCgroups implements Cgroups {
  readonly version = '2'
  readonly features: CgroupFeatures
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    const controllers = new Set((readControlIfAny(join(root, 'cgroup.controllers')) ?? '').split(' '))
    const cpu = controllers.has('cpu')
    this.features = {
      memoryLimit: controllers.has('memory'),
      swapLimit: controllers.has('memory') && hasSwapLimit(root),
      memorySwappiness: false,
      oomKillDisable: false,
      cpuCfsPeriod: cpu,
      cpuCfsQuota: cpu,
      cpuShares: cpu,
      cpuRealtime: false,
      cpuSet: controllers.has('cpuset'),
      pidsLimit: controllers.has('pids'),
      blkioWeight: controllers.has('io'),
    }
  }

  group(path: string): Cgroup {
    return new UnifiedCgroup(path, join(this.#root, path))
  }

  children(path: string): readonly string[] {
    return childGroups(join(this.#root, path))
  }
}

class UnifiedCgroup implements Cgroup {
  readonly path: string
  readonly #directory: string

  constructor(path: string, directory: string) {
    this.path = path
    this.#directory = directory
  }

  update(limits: CgroupLimits): void {
    const write = (file: string, value: string | number): void =>
      writeControl(join(this.#directory, file), value)
    if (limits.memoryBytes !== undefined) write('memory.max', limitText(limits.memoryBytes))
    if (limits.memorySwapBytes !== undefined) write('memory.swap.max', this.#swapOnly(limits))
    if (limits.memoryReservationBytes !== undefined)
      write('memory.low', limitText(limits.memoryReservationBytes))
    if (limits.cpuShares !== undefined) write('cpu.weight', sharesToWeight(limits.cpuShares))
    if (limits.cpuQuotaUs !== undefined || limits.cpuPeriodUs !== undefined)
      write('cpu.max', this.#cpuMax(limits))
    if (limits.cpusetCpus !== undefined) write('cpuset.cpus', limits.cpusetCpus)
    if (limits.cpusetMems !== undefined) write('cpuset.mems', limits.cpusetMems)
    if (limits.pidsLimit !== undefined) write('pids.max', limitText(limits.pidsLimit))
    if (limits.blkioWeight !== undefined) write('io.weight', blkioToIoWeight(limits.blkioWeight))
  }

  /** v2 limits swap alone where Docker gives the sum. */
  #swapOnly(limits: CgroupLimits): string {
    const sum = limits.memorySwapBytes ?? -1
    if (sum < 0) return 'max'
    const memory = limits.memoryBytes ?? parseLimit(readControl(join(this.#directory, 'memory.max'))) ?? 0
    return String(Math.max(0, sum - memory))
  }

  #cpuMax(limits: CgroupLimits): string {
    const [quota, period] = readControl(join(this.#directory, 'cpu.max')).split(' ') as [string, string]
    const next =
      limits.cpuQuotaUs === undefined ? quota : limits.cpuQuotaUs <= 0 ? 'max' : String(limits.cpuQuotaUs)
    return `${next} ${String(limits.cpuPeriodUs ?? period)}`
  }

  stats(): CgroupStats {
    const read = (file: string): string | null => readControlIfAny(join(this.#directory, file))
    const cpu = parseFlatKeyed(readControl(join(this.#directory, 'cpu.stat')))
    const stat = parseFlatKeyed(read('memory.stat') ?? '')
    const events = parseFlatKeyed(read('memory.events') ?? '')
    const peak = read('memory.peak')
    return {
      cpu: {
        usageNs: (cpu['usage_usec'] ?? 0) * NS_PER_US,
        userNs: (cpu['user_usec'] ?? 0) * NS_PER_US,
        systemNs: (cpu['system_usec'] ?? 0) * NS_PER_US,
        perCpuNs: [],
        periods: cpu['nr_periods'] ?? 0,
        throttledPeriods: cpu['nr_throttled'] ?? 0,
        throttledNs: (cpu['throttled_usec'] ?? 0) * NS_PER_US,
      },
      memory: {
        usageBytes: Number(read('memory.current') ?? 0),
        maxUsageBytes: peak === null ? null : Number(peak),
        failures: events['max'] ?? null,
        limitBytes: parseLimit(read('memory.max')),
        stat,
      },
      pids: { current: Number(read('pids.current') ?? 0), limit: parseLimit(read('pids.max')) },
      blockIo: parseIoStat(read('io.stat') ?? ''),
    }
  }

  pids(): readonly number[] {
    return processesBelow(this.#directory)
  }

  async freeze(): Promise<void> {
    writeControl(join(this.#directory, 'cgroup.freeze'), 1)
    await waitForControl(
      join(this.#directory, 'cgroup.events'),
      (text) => parseFlatKeyed(text)['frozen'] === 1,
    )
  }

  async thaw(): Promise<void> {
    writeControl(join(this.#directory, 'cgroup.freeze'), 0)
    await waitForControl(
      join(this.#directory, 'cgroup.events'),
      (text) => parseFlatKeyed(text)['frozen'] !== 1,
    )
  }

  isFrozen(): boolean {
    return readControlIfAny(join(this.#directory, 'cgroup.freeze')) === '1'
  }

  async kill(): Promise<void> {
    if (readControlIfAny(join(this.#directory, 'cgroup.procs')) === null) return
    writeControl(join(this.#directory, 'cgroup.kill'), 1)
    await Promise.resolve()
  }

  oomKills(): number {
    return parseFlatKeyed(readControlIfAny(join(this.#directory, 'memory.events')) ?? '')['oom_kill'] ?? 0
  }

  watchOomKills(): OomWatch | null {
    return watchOomKills(join(this.#directory, 'memory.events'))
  }

  async remove(): Promise<void> {
    await removeGroup(this.#directory)
  }
}

function limitText(value: number): string {
  return value < 0 ? 'max' : String(value)
}

/** The mapping of CPU shares (2…262144) to weights (1…10000) that the OCI runtimes use. */
export function sharesToWeight(shares: number): number {
  return shares === 0 ? 100 : 1 + Math.floor(((Math.max(2, shares) - 2) * 9999) / 262142)
}

/** The mapping of blkio weights (10…1000) to io weights (1…10000) that the OCI runtimes use. */
export function blkioToIoWeight(weight: number): number {
  return weight === 0 ? 100 : 1 + Math.floor(((weight - 10) * 9999) / 990)
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
function parseIoStat(text: string): CgroupStats['blockIo'] {
  const serviceBytes: BlockIoEntry[] = []
  const serviced: BlockIoEntry[] = []
  for (const line of text.split('\n')) {
    const match = /^(\d+):(\d+) (.*)$/.exec(line)
    if (match === null) continue
    const values = new Map((match[3] ?? '').split(' ').map((pair) => pair.split('=') as [string, string]))
    const entry = (op: string, key: string): BlockIoEntry => ({
      major: Number(match[1]),
      minor: Number(match[2]),
      op,
      value: Number(values.get(key) ?? 0),
    })
    serviceBytes.push(entry('read', 'rbytes'), entry('write', 'wbytes'))
    serviced.push(entry('read', 'rios'), entry('write', 'wios'))
  }
  return { serviceBytes, serviced }
}

/** Whether swap is accounted for: the root group has no files of limits, any other has. */
function hasSwapLimit(root: string): boolean {
  const own = /^0::(\/.+)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  const groups = [...(own === undefined ? [] : [own]), ...childGroups(root)]
  return groups.some((group) => existsSync(join(root, group, 'memory.swap.max')))
}
