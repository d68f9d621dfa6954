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
