import { readFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { isApparmorEnabled } from './apparmor.ts'
import { isExecutable } from './find-program.ts'
import { parseCapabilityMask } from './spec/capabilities.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { SpecMachine } from './spec/spec.ts'

/** Where distributions put a static init: Docker's own, then tini's and catatonit's. */
const INIT_BINARIES = [
  '/usr/bin/docker-init',
  '/usr/libexec/docker/docker-init',
  '/usr/bin/tini-static',
  '/usr/bin/catatonit',
]

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/**
 * Reads what specs need to know of this machine: once, at start.
 * @param options.initPath the daemon's `--init-path`
 */
export function readMachine(options: {
  readonly initPath?: string | null
  readonly seccompProfile?: string | null
  readonly ulimits?: NonNullable<HostConfig['Ulimits']>
  readonly noNewPrivileges?: boolean
}): SpecMachine {
  const status = readFileSync('/proc/self/status', 'utf8')
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  const candidates =
    options.initPath === undefined || options.initPath === null ? INIT_BINARIES : [options.initPath]
  const capabilities = parseCapabilityMask(mask)
  return {
    capabilities,
    architecture: GO_ARCHITECTURES[arch()] ?? arch(),
    kernelRelease: release(),
    apparmor: isApparmorEnabled(),
    apparmorProfile: null,
    initBinary: candidates.find(isExecutable) ?? null,
    seccompProfile: options.seccompProfile ?? null,
    ulimits: allowedUlimits(options.ulimits ?? [], capabilities),
    noNewPrivileges: options.noNewPrivileges ?? false,
  }
}

/**
 * Defaults that this daemon may not set would make every container fail: without CAP_SYS_RESOURCE a limit cannot go
 * beyond the daemon's own hard limit (setrlimit(2)), and is made to fit.
 */
function allowedUlimits(
  ulimits: NonNullable<HostConfig['Ulimits']>,
  capabilities: readonly string[],
): NonNullable<HostConfig['Ulimits']> {
  if (ulimits.length === 0 || capabilities.includes('CAP_SYS_RESOURCE')) return ulimits
  const table = readFileSync('/proc/self/limits', 'utf8')
  return ulimits.map((ulimit) => {
    const title = LIMIT_TITLES[ulimit.Name ?? '']
    const hard = title === undefined ? undefined : new RegExp(`^${title} +\\S+ +(\\d+)`, 'm').exec(table)?.[1]
    if (hard === undefined) return ulimit
    const fit = (value: number): number => (value < 0 ? Number(hard) : Math.min(value, Number(hard)))
    return { ...ulimit, Soft: fit(ulimit.Soft ?? 0), Hard: fit(ulimit.Hard ?? 0) }
  })
}

/** The lines of proc_pid_limits(5) by the names of ulimits. */
const LIMIT_TITLES: Readonly<Record<string, string>> = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
}
