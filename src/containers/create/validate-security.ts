import { InvalidArgumentError } from '#errors/errors.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'

const CAPABILITIES = new Set(
  (
    'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH ' +
    'FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN ' +
    'NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT ' +
    'SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM'
  ).split(' '),
)

/** Options of `--security-opt`; capabilities(7) by name. @throws InvalidArgumentError in Docker's words. */
export function validateSecurity(host: HostConfig): void {
  for (const field of ['CapAdd', 'CapDrop'] as const) {
    for (const name of host[field] ?? []) {
      const bare = name.toUpperCase().replace(/^CAP_/, '')
      if (bare !== 'ALL' && !CAPABILITIES.has(bare)) {
        throw new InvalidArgumentError(`invalid ${field}: unknown capability: "CAP_${bare}"`)
      }
    }
  }
  for (const option of host.SecurityOpt ?? []) validateOption(option)
}

function validateOption(option: string): void {
  if (option === 'no-new-privileges' || option === 'writable-cgroups' || option === 'disable') return
  const match = /^([^=:]+)[=:](.*)$/s.exec(option)
  if (match === null) throw new InvalidArgumentError(`invalid --security-opt 1: ${JSON.stringify(option)}`)
  const [, key, value] = match as unknown as [string, string, string]
  switch (key) {
    case 'label':
    case 'apparmor':
    case 'seccomp':
      return
    case 'no-new-privileges':
    case 'writable-cgroups':
      if (value !== 'true' && value !== 'false') {
        throw new InvalidArgumentError(`invalid --security-opt 2: ${JSON.stringify(option)}`)
      }
      return
    case 'systempaths':
      if (value !== 'unconfined') {
        throw new InvalidArgumentError(`invalid --security-opt 2: ${JSON.stringify(option)}`)
      }
      return
    default:
      throw new InvalidArgumentError(`invalid --security-opt 2: ${JSON.stringify(option)}`)
  }
}
