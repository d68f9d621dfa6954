import type { HostConfig } from '#spec/docker/host-config.ts'

/** Files of /proc and /sys that tell of the host or change it: Docker's list of what a container does not see. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

/** What a container may read and not write. */
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** Masked and read-only paths of a container; null in HostConfig means Docker's defaults, an empty list none. */
export function protectedPaths(hostConfig: HostConfig): {
  readonly masked: readonly string[]
  readonly readOnly: readonly string[]
} {
  const isOpen =
    hostConfig.Privileged === true || (hostConfig.SecurityOpt ?? []).includes('systempaths=unconfined')
  if (isOpen) return { masked: [], readOnly: [] }
  return { masked: hostConfig.MaskedPaths ?? MASKED, readOnly: hostConfig.ReadonlyPaths ?? READ_ONLY }
}
