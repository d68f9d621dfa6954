import { accessSync, constants, readFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { parseCapabilityMask } from './spec/capabilities.ts'
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
}): SpecMachine {
  const status = readFileSync('/proc/self/status', 'utf8')
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  const candidates =
    options.initPath === undefined || options.initPath === null ? INIT_BINARIES : [options.initPath]
  return {
    capabilities: parseCapabilityMask(mask),
    architecture: GO_ARCHITECTURES[arch()] ?? arch(),
    kernelRelease: release(),
    apparmor: readIfAny('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    initBinary: candidates.find(isExecutable) ?? null,
    seccompProfile: options.seccompProfile ?? null,
  }
}

/** Tells whether the file can be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
