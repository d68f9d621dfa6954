import type { OciSeccomp, OciSeccompRule } from '../oci-spec.ts'
import type { SeccompCondition, SeccompProfile, SeccompRule } from './profile.ts'

/** What the conditions of a profile are checked against. */
export interface SeccompMachine {
  /** The container's capabilities. */
  readonly capabilities: readonly string[]
  /** Go's name: `amd64`, `arm64` … */
  readonly architecture: string
  /** uname -r. */
  readonly kernelRelease: string
}

const NATIVE_NAMES: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  riscv64: 'SCMP_ARCH_RISCV64',
  ppc64le: 'SCMP_ARCH_PPC64LE',
  s390x: 'SCMP_ARCH_S390X',
}

/** The filter of one container: the rules of the profile that hold for it, in OCI's form. */
export function resolveSeccomp(profile: SeccompProfile, machine: SeccompMachine): OciSeccomp {
  const native = NATIVE_NAMES[machine.architecture]
  const mapped = (profile.archMap ?? []).find((entry) => entry.architecture === native)
  const architectures =
    mapped === undefined
      ? (profile.architectures ?? [])
      : [mapped.architecture, ...(mapped.subArchitectures ?? [])]
  return {
    defaultAction: profile.defaultAction,
    ...(typeof profile.defaultErrnoRet === 'number' ? { defaultErrnoRet: profile.defaultErrnoRet } : {}),
    ...(architectures.length > 0 ? { architectures } : {}),
    ...((profile.flags ?? []).length > 0 ? { flags: profile.flags ?? [] } : {}),
    ...(typeof profile.listenerPath === 'string' && profile.listenerPath !== ''
      ? { listenerPath: profile.listenerPath, listenerMetadata: profile.listenerMetadata ?? '' }
      : {}),
    syscalls: profile.syscalls.filter((rule) => applies(rule, machine)).map(ociRule),
  }
}

function applies(rule: SeccompRule, machine: SeccompMachine): boolean {
  return included(rule.includes ?? {}, machine) && !excluded(rule.excludes ?? {}, machine)
}

/** All that an include names must hold: every capability, one of the architectures, the kernel. */
function included({ caps, arches, minKernel }: SeccompCondition, machine: SeccompMachine): boolean {
  if ((arches ?? []).length > 0 && arches?.includes(machine.architecture) !== true) return false
  if (typeof minKernel === 'string' && !isKernelAtLeast(machine.kernelRelease, minKernel)) return false
  return (caps ?? []).every((name) => machine.capabilities.includes(name))
}

/** Anything that an exclude names suffices. */
function excluded({ caps, arches, minKernel }: SeccompCondition, machine: SeccompMachine): boolean {
  if (arches?.includes(machine.architecture) === true) return true
  if (typeof minKernel === 'string' && isKernelAtLeast(machine.kernelRelease, minKernel)) return true
  return (caps ?? []).some((name) => machine.capabilities.includes(name))
}

function isKernelAtLeast(release: string, minimum: string): boolean {
  const numbers = (text: string): readonly number[] =>
    text
      .split(/[.-]/)
      .slice(0, 2)
      .map((part) => Number.parseInt(part, 10))
  const [major = 0, minor = 0] = numbers(release)
  const [needMajor = 0, needMinor = 0] = numbers(minimum)
  return major > needMajor || (major === needMajor && minor >= needMinor)
}

function ociRule(rule: SeccompRule): OciSeccompRule {
  return {
    names: rule.names,
    action: rule.action,
    ...(typeof rule.errnoRet === 'number' ? { errnoRet: rule.errnoRet } : {}),
    ...((rule.args ?? []).length > 0 ? { args: rule.args ?? [] } : {}),
  }
}
