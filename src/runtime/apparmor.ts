import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '#base/logger.ts'
import { captureOutput } from '#kernel/capture.ts'
import { findProgram } from './find-program.ts'

/** The profile of containers that ask for none; Docker's name, which tools show and policies refer to. */
export const DEFAULT_PROFILE = 'docker-default'

const ENABLED = '/sys/module/apparmor/parameters/enabled'
const SECURITY_FS = '/sys/kernel/security/apparmor'

/**
 * What the default profile forbids, beyond what capabilities and masked paths do: mounting, writing to the host's
 * knobs in /proc and /sys, and tracing or signalling processes of other profiles.
 */
const PROFILE = `#include <tunables/global>

profile ${DEFAULT_PROFILE} flags=(attach_disconnected,mediate_deleted) {
  #include <abstractions/base>

  capability,
  file,
  network,
  umount,
  deny mount,

  ptrace (read, readby, trace, tracedby) peer=${DEFAULT_PROFILE},
  signal (receive) peer=unconfined,
  signal (receive) peer={crun,runc},
  signal (receive, send) peer=${DEFAULT_PROFILE},

  # /proc: a process' own directory may be written, and of sys only the shared memory limits.
  deny @{PROC}/* w,
  deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  deny @{PROC}/sys/[^k]** w,
  deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny @{PROC}/kcore rwklx,
  deny @{PROC}/sysrq-trigger rwklx,

  # /sys: nothing but cgroups may be written.
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/firmware/** rwklx,
  deny /sys/kernel/security/** rwklx,
}
`

/** Tells whether the kernel enforces AppArmor, this daemon can see it and load profiles: what Docker asks, too. */
export function isApparmorEnabled(): boolean {
  return (
    existsSync(SECURITY_FS) && readText(ENABLED).startsWith('Y') && findProgram('apparmor_parser') !== null
  )
}

/**
 * Makes sure that the default profile is in the kernel. One that is there is left as it is: an administrator, or a
 * dockerd beside us, may have put it there.
 * @returns false when it cannot be loaded: containers that need it are refused then
 */
export async function ensureDefaultProfile(directory: string, logger: Logger): Promise<boolean> {
  if (readText(join(SECURITY_FS, 'profiles')).includes(`${DEFAULT_PROFILE} (`)) return true
  const parser = findProgram('apparmor_parser')
  if (parser === null) return false
  const file = join(directory, DEFAULT_PROFILE)
  await writeFile(file, PROFILE, { mode: 0o600 })
  try {
    const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']
    const { exit, output } = await captureOutput({ argv: [parser, '--skip-cache', '--replace', file], env })
    if (exit.exitCode === 0) return true
    logger.error('the AppArmor profile cannot be loaded: no container can run with it', {
      output: output.trim(),
    })
    return false
  } finally {
    await rm(file, { force: true })
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
