import { availableParallelism } from 'node:os'
import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { CgroupFeatures } from '#kernel/cgroups/cgroups.ts'
import { isSliceName } from '#runtime/cgroup-place.ts'
import type { HostConfig, Resources } from '#spec/docker/host-config.ts'

const MIN_MEMORY = 6 * 1024 * 1024

function refuse(message: string): never {
  throw new InvalidArgumentError(message)
}

/** Checks limits, at `create` and at `update`. @throws InvalidArgumentError in Docker's words. */
export function validateResources(
  resources: Resources,
  options: { readonly update: boolean; readonly features: CgroupFeatures },
): void {
  validateMemory(resources, options.update)
  validateCpu(resources)
  // Where there are no weights a wish for one is dropped with a warning, whatever it is.
  if (options.features.blkioWeight) validateBlkio(resources)
  validateWindowsFields(resources)
  for (const ulimit of resources.Ulimits ?? []) {
    if (!ULIMITS.has(ulimit.Name ?? '')) refuse(`invalid ulimit type: ${ulimit.Name ?? ''}`)
    const [soft, hard] = [ulimit.Soft ?? 0, ulimit.Hard ?? 0]
    if (hard !== -1 && (soft > hard || soft === -1)) {
      refuse(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
    }
  }
  for (const rule of resources.DeviceCgroupRules ?? []) {
    if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule))
      refuse(`invalid device cgroup rule format: '${rule}'`)
  }
  for (const device of resources.Devices ?? []) {
    const permissions = device.CgroupPermissions ?? ''
    if (!/^[rwm]{0,3}$/.test(permissions)) refuse(`invalid device mode: ${permissions}`)
  }
}

const ULIMITS = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  ),
)

function validateMemory(r: Resources, update: boolean): void {
  const memory = r.Memory ?? 0
  const swap = r.MemorySwap ?? 0
  const reservation = r.MemoryReservation ?? 0
  if (memory !== 0 && memory < MIN_MEMORY) refuse('Minimum memory limit allowed is 6MB')
  if (memory > 0 && swap > 0 && swap < memory) {
    refuse('Minimum memoryswap limit should be larger than memory limit, see usage')
  }
  if (memory === 0 && swap > 0 && !update) {
    refuse('You should always set the Memory limit when using Memoryswap limit, see usage')
  }
  const swappiness = r.MemorySwappiness ?? -1
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    refuse(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`)
  }
  if (reservation > 0 && reservation < MIN_MEMORY) refuse('Minimum memory reservation allowed is 6MB')
  if (memory > 0 && reservation > 0 && memory < reservation) {
    refuse('Minimum memory limit can not be less than memory reservation limit, see usage')
  }
}

function validateCpu(r: Resources): void {
  const nano = r.NanoCpus ?? 0
  const period = r.CpuPeriod ?? 0
  const quota = r.CpuQuota ?? 0
  if (nano > 0 && period > 0) refuse('Conflicting options: Nano CPUs and CPU Period cannot both be set')
  if (nano > 0 && quota > 0) refuse('Conflicting options: Nano CPUs and CPU Quota cannot both be set')
  const cpus = availableParallelism()
  if (nano < 0 || nano > cpus * 1e9) {
    refuse(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`)
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    refuse('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  }
  if (quota > 0 && quota < 1000) refuse('CPU cfs quota can not be less than 1ms (i.e. 1000)')
  if ((r.CpuShares ?? 0) < 0) refuse(`invalid CPU shares (${r.CpuShares}): value must be a positive integer`)
  validateSet(r.CpusetCpus ?? '', { kind: 'cpus', name: 'CPUs', online: '/sys/devices/system/cpu/online' })
  validateSet(r.CpusetMems ?? '', {
    kind: 'mems',
    name: 'memory nodes',
    online: '/sys/devices/system/node/online',
  })
  if ((r.CpuRealtimeRuntime ?? 0) !== 0 && (r.CpuRealtimePeriod ?? 0) !== 0) {
    if ((r.CpuRealtimeRuntime ?? 0) > (r.CpuRealtimePeriod ?? 0)) {
      refuse('cpu real-time runtime cannot be higher than cpu real-time period')
    }
  }
}

function validateSet(text: string, set: { kind: string; name: string; online: string }): void {
  if (text === '') return
  const wanted = parseSet(text) ?? refuse(`Invalid value ${text} for cpuset ${set.kind}`)
  const online = readOnline(set.online)
  const available = parseSet(online) ?? []
  for (const [first, last] of wanted) {
    if (!available.some(([a, b]) => first >= a && last <= b)) {
      refuse(`Requested ${set.name} are not available - requested ${text}, available: ${online}`)
    }
  }
}

function readOnline(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch {
    // A machine without NUMA has no list of nodes: it has node 0.
    return '0'
  }
}

/** A list of the form `0-3,7`, or null when it is none (cpuset(7), "List format"). */
function parseSet(text: string): readonly (readonly [number, number])[] | null {
  const ranges: [number, number][] = []
  for (const part of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part)
    if (match === null) return null
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])]
    if (last < first) return null
    ranges.push([first, last])
  }
  return ranges
}

function validateBlkio(r: Resources): void {
  const weight = r.BlkioWeight ?? 0
  if (weight !== 0 && (weight < 10 || weight > 1000)) refuse('Range of blkio weight is from 10 to 1000')
  for (const device of r.BlkioWeightDevice ?? []) {
    const value = device.Weight ?? 0
    if (value !== 0 && (value < 10 || value > 1000)) refuse('Range of blkio weight is from 10 to 1000')
  }
}

/** Fields that mean something on Windows only are refused, not ignored. */
function validateWindowsFields(r: Resources): void {
  for (const field of ['CpuCount', 'CpuPercent', 'IOMaximumIOps', 'IOMaximumBandwidth'] as const) {
    if ((r[field] ?? 0) !== 0) refuse(`invalid option: ${field} is not supported on linux`)
  }
}

/** What systemd takes for a parent is a slice. @throws InvalidArgumentError in Docker's words */
export function validateCgroupParent(host: HostConfig, driver: 'cgroupfs' | 'systemd'): void {
  const parent = host.CgroupParent ?? ''
  if (driver !== 'systemd' || parent === '' || isSliceName(parent)) return
  throw new InvalidArgumentError(
    'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"',
  )
}
