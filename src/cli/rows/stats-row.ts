import type { ContainerStatsResponse } from '#spec/docker/stats.ts'
import { bytesSize, humanSize } from '../format/units.ts'
import { Row } from '../template/row.ts'

/** The names of the columns of figures. */
export const statsHeaders: Readonly<Record<string, string>> = {
  Container: 'CONTAINER',
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
}

/** The figures of one container at one time. */
export interface Figures {
  readonly cpuPercent: number
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly readBytes: number
  readonly writtenBytes: number
  readonly pids: number
}

/** Works the figures out of what the daemon measured. */
export function figuresOf(stats: ContainerStatsResponse): Figures {
  const networks = Object.values(
    (stats.networks ?? {}) as Readonly<Record<string, { rx_bytes?: number; tx_bytes?: number }>>,
  )
  const io = stats.blkio_stats?.io_service_bytes_recursive ?? []
  const moved = (letter: string) =>
    io
      .filter(({ op }) => (op ?? '').toLowerCase().startsWith(letter))
      .reduce((sum, { value }) => sum + (value ?? 0), 0)
  return {
    cpuPercent: cpuPercent(stats),
    memoryBytes: memoryBytes(stats),
    memoryLimitBytes: stats.memory_stats?.limit ?? 0,
    receivedBytes: networks.reduce((sum, { rx_bytes = 0 }) => sum + rx_bytes, 0),
    sentBytes: networks.reduce((sum, { tx_bytes = 0 }) => sum + tx_bytes, 0),
    readBytes: moved('r'),
    writtenBytes: moved('w'),
    pids: stats.pids_stats?.current ?? 0,
  }
}

function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStatsResponse): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0)
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0)
  const cpus = now?.online_cpus ?? now?.cpu_usage?.percpu_usage?.length ?? 0
  return used > 0 && passed > 0 ? (used / passed) * cpus * 100 : 0
}

/** Memory without the page cache that could be given back at once: cgroup v1 and v2 name it differently. */
function memoryBytes({ memory_stats: memory }: ContainerStatsResponse): number {
  const usage = memory?.usage ?? 0
  const cache = memory?.stats?.['total_inactive_file'] ?? memory?.stats?.['inactive_file'] ?? 0
  return cache < usage ? usage - cache : usage
}

const percent = (value: number): string => `${value.toFixed(2)}%`

/** A line of figures; null figures are not known (yet). */
export function statsRow(about: {
  id: string
  name: string
  asked: string
  truncate: boolean
  figures: Figures | null
}): Row {
  const { figures } = about
  const text = (print: (known: Figures) => string) => (figures === null ? '--' : print(figures))
  const pair = (print: (known: Figures) => string) => (figures === null ? '-- / --' : print(figures))
  return new Row('container.statsContext', {
    Container: about.asked,
    ID: about.truncate ? about.id.slice(0, 12) : about.id,
    Name: about.name === '' ? '--' : about.name.replace(/^\//, ''),
    CPUPerc: text(({ cpuPercent }) => percent(cpuPercent)),
    MemUsage: pair(
      ({ memoryBytes, memoryLimitBytes }) => `${bytesSize(memoryBytes)} / ${bytesSize(memoryLimitBytes)}`,
    ),
    MemPerc: text(({ memoryBytes, memoryLimitBytes }) =>
      percent(memoryLimitBytes === 0 ? 0 : (memoryBytes / memoryLimitBytes) * 100),
    ),
    NetIO: text(
      ({ receivedBytes, sentBytes }) => `${humanSize(receivedBytes, 3)} / ${humanSize(sentBytes, 3)}`,
    ),
    BlockIO: text(
      ({ readBytes, writtenBytes }) => `${humanSize(readBytes, 3)} / ${humanSize(writtenBytes, 3)}`,
    ),
    PIDs: text(({ pids }) => String(pids)),
  })
}
