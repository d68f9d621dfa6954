import { InvalidArgumentError } from '#errors/errors.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { OciCapabilities } from './oci-spec.ts'

/** All capabilities by number (capabilities(7), linux/capability.h). */
const NAMES = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP',
  'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER',
  'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE',
  'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP',
  'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`) // prettier-ignore

/** What Docker gives a container that asks for nothing. */
const DEFAULTS = [
  'CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP',
  'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE',
].map((name) => `CAP_${name}`) // prettier-ignore

/** The capabilities in a mask of /proc/<pid>/status, `CapEff: 000001ffffffffff`. */
export function parseCapabilityMask(hex: string): readonly string[] {
  const mask = BigInt(`0x${hex}`)
  return NAMES.filter((_, bit) => (mask & (1n << BigInt(bit))) !== 0n)
}

/** `net_admin` and `CAP_NET_ADMIN` are the same; `ALL` stays. @throws InvalidArgumentError for an unknown name */
export function normalizeCapability(text: string): string {
  const upper = text.toUpperCase()
  if (upper === 'ALL') return upper
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (!NAMES.includes(name)) throw new InvalidArgumentError(`invalid capability: ${JSON.stringify(text)}`)
  return name
}

/**
 * The capabilities of a container (Docker's rules): the defaults, or all for `--privileged` and `--cap-add ALL`, with
 * CapAdd and CapDrop applied. What this daemon does not have itself cannot be given and is left out of defaults and `ALL`.
 * @param available the daemon's own effective capabilities
 */
export function containerCapabilities(
  hostConfig: HostConfig,
  available: readonly string[],
): readonly string[] {
  if (hostConfig.Privileged === true) return available
  const add = (hostConfig.CapAdd ?? []).map(normalizeCapability)
  const drop = new Set((hostConfig.CapDrop ?? []).map(normalizeCapability))
  const defaults = DEFAULTS.filter((name) => available.includes(name))
  if (add.includes('ALL')) return available.filter((name) => !drop.has(name))
  const base = drop.has('ALL') ? [] : defaults.filter((name) => !drop.has(name))
  return [...new Set([...base, ...add.filter((name) => !drop.has(name))])]
}

/** The sets of a process: nothing inheritable or ambient, as dockerd. */
export function capabilitySets(names: readonly string[]): OciCapabilities {
  return { bounding: names, effective: names, permitted: names }
}
