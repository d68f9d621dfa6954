import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import type { OciSeccompArgument } from '../oci-spec.ts'

/** When a rule holds: for these capabilities, architectures (Go's names) and kernels. */
export interface SeccompCondition {
  readonly caps?: readonly string[] | null
  readonly arches?: readonly string[] | null
  /** `major.minor` */
  readonly minKernel?: string | null
}

export interface SeccompRule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number | null
  readonly args?: readonly OciSeccompArgument[] | null
  readonly includes?: SeccompCondition | null
  readonly excludes?: SeccompCondition | null
}

/** A profile in Docker's format, whose rules depend on the container and the machine. */
export interface SeccompProfile {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number | null
  readonly architectures?: readonly string[] | null
  readonly archMap?:
    readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[] | null
  readonly flags?: readonly string[] | null
  readonly listenerPath?: string | null
  readonly listenerMetadata?: string | null
  readonly syscalls: readonly SeccompRule[]
}

const ACTION = /^SCMP_ACT_(KILL|KILL_PROCESS|KILL_THREAD|TRAP|ERRNO|TRACE|ALLOW|LOG|NOTIFY)$/

/**
 * Reads a profile that a user gave (`--security-opt seccomp=…`).
 * @throws InvalidArgumentError in dockerd's words
 */
export function parseSeccompProfile(text: string): SeccompProfile {
  const fail = (detail: string): never => {
    throw new InvalidArgumentError(`Decoding seccomp profile failed: ${detail}`)
  }
  let profile: Partial<SeccompProfile> & {
    readonly syscalls?: readonly (SeccompRule & { name?: string })[] | null
  }
  try {
    profile = JSON.parse(text) as typeof profile
  } catch (error) {
    return fail(messageOf(error))
  }
  if (typeof profile !== 'object' || profile === null) return fail('not an object')
  const { defaultAction } = profile
  if (typeof defaultAction !== 'string' || !ACTION.test(defaultAction))
    return fail(`unknown defaultAction ${JSON.stringify(defaultAction)}`)
  if ((profile.archMap ?? []).length > 0 && (profile.architectures ?? []).length > 0) {
    throw new InvalidArgumentError(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    )
  }
  const syscalls = (profile.syscalls ?? []).map((rule) => {
    const { name, names } = rule as SeccompRule & { readonly name?: string }
    if (name !== undefined && name !== '' && (names ?? []).length > 0) {
      throw new InvalidArgumentError(
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      )
    }
    if (!ACTION.test(rule.action)) return fail(`unknown action ${JSON.stringify(rule.action)}`)
    return { ...rule, names: name !== undefined && name !== '' ? [name] : (names ?? []) }
  })
  return { ...profile, defaultAction, syscalls }
}
