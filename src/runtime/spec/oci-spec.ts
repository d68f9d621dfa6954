/** The parts of an OCI runtime configuration (runtime-spec, config.md and config-linux.md, 1.0.2) that Wharf writes. */

export interface OciMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface OciUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids?: readonly number[]
}

export interface OciCapabilities {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly permitted: readonly string[]
}

export interface OciRlimit {
  readonly type: string
  readonly soft: number
  readonly hard: number
}

export interface OciProcess {
  readonly terminal: boolean
  readonly consoleSize?: { readonly height: number; readonly width: number }
  readonly user: OciUser
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: OciCapabilities
  readonly rlimits?: readonly OciRlimit[]
  readonly noNewPrivileges: boolean
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly oomScoreAdj?: number
}

export interface OciDevice {
  readonly type: 'b' | 'c'
  readonly path: string
  readonly major: number
  readonly minor: number
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface OciDeviceRule {
  readonly allow: boolean
  readonly type?: 'a' | 'b' | 'c'
  readonly major?: number
  readonly minor?: number
  readonly access: string
}

export interface OciSeccompArgument {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: string
}

export interface OciSeccompRule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly OciSeccompArgument[]
}

export interface OciSeccomp {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls: readonly OciSeccompRule[]
}

export interface OciThrottle {
  readonly major: number
  readonly minor: number
  readonly rate: number
}

export interface OciResources {
  readonly devices: readonly OciDeviceRule[]
  readonly memory?: {
    readonly limit?: number
    readonly reservation?: number
    readonly swap?: number
    readonly swappiness?: number
    readonly disableOOMKiller?: boolean
  }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly realtimeRuntime?: number
    readonly realtimePeriod?: number
    readonly cpus?: string
    readonly mems?: string
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: {
    readonly weight?: number
    readonly weightDevice?: readonly {
      readonly major: number
      readonly minor: number
      readonly weight: number
    }[]
    readonly throttleReadBpsDevice?: readonly OciThrottle[]
    readonly throttleWriteBpsDevice?: readonly OciThrottle[]
    readonly throttleReadIOPSDevice?: readonly OciThrottle[]
    readonly throttleWriteIOPSDevice?: readonly OciThrottle[]
  }
}

export interface OciNamespace {
  readonly type: 'mount' | 'network' | 'ipc' | 'pid' | 'uts' | 'cgroup' | 'user' | 'time'
  readonly path?: string
}

export interface OciIdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface OciHook {
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly timeout?: number
}

/** By the name of the moment: `createRuntime`, `createContainer`, `startContainer`, `poststart`, `poststop` … */
export type OciHooks = Readonly<Record<string, readonly OciHook[]>>

export interface OciSpec {
  readonly ociVersion: string
  readonly hostname?: string
  readonly domainname?: string
  readonly process: OciProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly mounts: readonly OciMount[]
  readonly annotations?: Readonly<Record<string, string>>
  /** Only what devices bring along. */
  readonly hooks?: OciHooks
  readonly linux: {
    readonly namespaces: readonly OciNamespace[]
    readonly uidMappings?: readonly OciIdMapping[]
    readonly gidMappings?: readonly OciIdMapping[]
    readonly devices?: readonly OciDevice[]
    readonly cgroupsPath: string
    readonly resources: OciResources
    readonly sysctl?: Readonly<Record<string, string>>
    readonly seccomp?: OciSeccomp
    readonly rootfsPropagation?: string
    readonly maskedPaths: readonly string[]
    readonly readonlyPaths: readonly string[]
    readonly mountLabel?: string
  }
}
