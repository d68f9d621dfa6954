import { readFileSync } from 'node:fs'
import { errnoOf, NotFoundError } from '#errors/errors.ts'
import type { ContainerStatsOptions } from '#spec/docker/options.ts'
import type { ContainerNetworkStats, ContainerStatsResponse } from '#spec/docker/stats.ts'
import type { RuntimeStats } from '#runtime/runtime.ts'
import type { ContainerContext } from './context.ts'
import { SharedSamples } from './shared-samples.ts'
import { isAlive, NEVER } from './state.ts'
import { timestamp } from './timestamp.ts'

const PERIOD_MS = 1000

/**
 * Figures of a container. Streams give one each second until the container is removed; of a container that does not
 * run they are empty, as Docker's.
 */
export async function* containerStats(
  samples: SharedSamples<ContainerStatsResponse | null>,
  id: string,
  options: ContainerStatsOptions,
): AsyncGenerator<ContainerStatsResponse> {
  let before: ContainerStatsResponse | null = null
  for (let first = true; !options.signal.aborted; first = false) {
    const { value: sample, ageMs } = await samples.take(id)
    if (sample === null) return
    const isPreparation = first && !options.oneShot && sample.read !== NEVER && !options.stream
    if (options.oneShot && sample.read !== NEVER) {
      // dockerd names the container in all but this answer.
      const { id: _id, name: _name, ...figures } = sample
      yield { ...figures, preread: NEVER, precpu_stats: EMPTY_CPU }
      return
    }
    if (!isPreparation) {
      yield { ...sample, preread: before?.read ?? NEVER, precpu_stats: before?.cpu_stats ?? EMPTY_CPU }
      if (!options.stream) return
    }
    before = sample
    // Whoever got the sample of another comes with it from now on.
    await pause(PERIOD_MS - ageMs, options.signal)
  }
}

/** What the streams of one container share. */
export function statsSamples(context: ContainerContext): SharedSamples<ContainerStatsResponse | null> {
  return new SharedSamples((id) => sampleOf(context, id))
}

/** Null when the container is gone. */
async function sampleOf(context: ContainerContext, id: string): Promise<ContainerStatsResponse | null> {
  const record = context.records.find(id)
  if (record === null) return null
  const identity = { id, name: `/${record.name}`, os_type: 'linux' }
  const figures = isAlive(record.state) ? await figuresOf(context, id) : null
  if (figures === null || !isAlive(record.state)) {
    return {
      ...identity,
      read: NEVER,
      cpu_stats: EMPTY_CPU,
      memory_stats: {},
      pids_stats: {},
      blkio_stats: EMPTY_BLKIO,
      num_procs: 0,
      storage_stats: {},
    }
  }
  const networks = record.hostConfig.NetworkMode === 'host' ? null : interfaceStats(record.state.pid)
  return {
    ...identity,
    read: timestamp(),
    ...figures,
    storage_stats: {},
    ...(networks === null ? {} : { networks }),
  }
}

async function figuresOf(context: ContainerContext, id: string): Promise<RuntimeStats | null> {
  try {
    return await context.runtime.stats(id)
  } catch (error) {
    // It ended between the look and the question.
    if (error instanceof NotFoundError || errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENODEV')
      return null
    throw error
  }
}

/** The counters of the interfaces in the process' network namespace, `lo` aside (proc_pid_net(5)). */
function interfaceStats(pid: number): Readonly<Record<string, ContainerNetworkStats>> | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'latin1')
  } catch {
    // The process is gone.
    return null
  }
  const stats: Record<string, ContainerNetworkStats> = {}
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim()
    if (colon < 0 || name === 'lo') continue
    const numbers = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number)
    const [rxBytes, rxPackets, rxErrors, rxDropped] = numbers
    const [txBytes, txPackets, txErrors, txDropped] = numbers.slice(8)
    stats[name] = {
      rx_bytes: rxBytes ?? 0,
      rx_packets: rxPackets ?? 0,
      rx_errors: rxErrors ?? 0,
      rx_dropped: rxDropped ?? 0,
      tx_bytes: txBytes ?? 0,
      tx_packets: txPackets ?? 0,
      tx_errors: txErrors ?? 0,
      tx_dropped: txDropped ?? 0,
    }
  }
  return Object.keys(stats).length === 0 ? null : stats
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    signal.addEventListener('abort', done, { once: true })
  })
}

const EMPTY_CPU = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
}

const EMPTY_BLKIO = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
}
