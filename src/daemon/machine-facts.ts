import { readFileSync } from 'node:fs'
import { release, version } from 'node:os'

/** `Debian GNU/Linux 12 (bookworm)` and `12`, of os-release(5). */
export function operatingSystem(): { readonly name: string; readonly version: string } {
  const text = readOr('/etc/os-release', readOr('/usr/lib/os-release', ''))
  const field = (name: string): string => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? ''
  return { name: field('PRETTY_NAME') || 'Linux', version: field('VERSION_ID') }
}

/** `uname -r`. */
export function kernelVersion(): string {
  return release()
}

/** `uname -v`: the build of the kernel. */
export function kernelBuild(): string {
  return version()
}

/** The machine in `uname -m`'s words. */
export function machineName(): string {
  return { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch
}

/** The machine in OCI's words. */
export function ociArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch
}

/** What the kernel can limit, as `docker info` says it; v1 tells by the files of its hierarchies. */
export interface LimitSupport {
  readonly memory: boolean
  readonly swap: boolean
  readonly cpuQuota: boolean
  readonly cpuShares: boolean
  readonly cpuset: boolean
  readonly pids: boolean
  readonly oomKillDisable: boolean
}

export function limitSupport(cgroupVersion: '1' | '2'): LimitSupport {
  const root = '/sys/fs/cgroup'
  if (cgroupVersion === '2') {
    const controllers = new Set(readOr(`${root}/cgroup.controllers`, '').trim().split(' '))
    const hasSwap = readOr('/proc/swaps', '').trim().split('\n').length >= 1
    return {
      memory: controllers.has('memory'),
      swap: controllers.has('memory') && hasSwap,
      cpuQuota: controllers.has('cpu'),
      cpuShares: controllers.has('cpu'),
      cpuset: controllers.has('cpuset'),
      pids: controllers.has('pids'),
      oomKillDisable: false,
    }
  }
  const has = (file: string): boolean => readOr(`${root}/${file}`, null) !== null
  return {
    memory: has('memory/memory.limit_in_bytes'),
    swap: has('memory/memory.memsw.limit_in_bytes'),
    cpuQuota: has('cpu/cpu.cfs_quota_us'),
    cpuShares: has('cpu/cpu.shares'),
    cpuset: has('cpuset/cpuset.cpus'),
    pids: has('pids/cgroup.procs'),
    oomKillDisable: has('memory/memory.oom_control'),
  }
}

/** Whether the kernel forwards IPv4. */
export function forwardsIpv4(): boolean {
  return readOr('/proc/sys/net/ipv4/ip_forward', '0').trim() === '1'
}

function readOr<Other>(file: string, otherwise: Other): string | Other {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return otherwise
  }
}
