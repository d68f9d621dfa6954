/** `--security-opt`, taken apart. Values were checked when the container was made. */
export interface SecurityOptions {
  /** Null: the daemon's default. */
  readonly noNewPrivileges: boolean | null
  /** `default`, `unconfined`, or the text of a profile. */
  readonly seccomp: string
  readonly apparmor: string | null
  readonly selinuxLabels: readonly string[]
  /** Null: those of privileged containers are. */
  readonly writableCgroups: boolean | null
}

/** Reads `name=value`, `name:value` (the old form) and bare names. The last one of a name counts. */
export function securityOptions(options: readonly string[]): SecurityOptions {
  let noNewPrivileges: boolean | null = null
  let writableCgroups: boolean | null = null
  let seccomp = 'default'
  let apparmor: string | null = null
  const selinuxLabels: string[] = []
  for (const option of options) {
    const match = /^([\w-]+)(?:[=:]([^]*))?$/.exec(option)
    const [name, value] = [match?.[1], match?.[2]]
    if (name === 'no-new-privileges') noNewPrivileges = value !== 'false'
    else if (name === 'writable-cgroups') writableCgroups = value !== 'false'
    else if (name === 'seccomp') seccomp = value === undefined || value === 'builtin' ? 'default' : value
    else if (name === 'apparmor') apparmor = value ?? null
    else if (name === 'label' && value !== undefined) selinuxLabels.push(value)
  }
  return { noNewPrivileges, seccomp, apparmor, selinuxLabels, writableCgroups }
}
