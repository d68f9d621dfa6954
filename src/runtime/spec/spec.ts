import { InvalidArgumentError } from '#errors/errors.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import { RuntimeFailure } from '../runtime-failure.ts'
import type { CreateRequest } from '../runtime.ts'
import { capabilitySets, containerCapabilities } from './capabilities.ts'
import { deviceAccess } from './devices.ts'
import { containerEnvironment } from './environment.ts'
import { ociMounts, rootPropagation } from './mounts.ts'
import { ociIdMappings, ociNamespaces } from './namespaces.ts'
import type { OciProcess, OciSeccomp, OciSpec, OciUser } from './oci-spec.ts'
import { protectedPaths } from './protected-paths.ts'
import { ociResources } from './resources.ts'
import { defaultUlimits, rlimits } from './rlimits.ts'
import { securityOptions, type SecurityOptions } from './security-options.ts'
import { defaultSeccompProfile } from './seccomp/default-profile.ts'
import { parseSeccompProfile } from './seccomp/profile.ts'
import { resolveSeccomp } from './seccomp/resolve.ts'

/** What of this machine goes into a spec. */
export interface SpecMachine {
  /** The daemon's own effective capabilities. */
  readonly capabilities: readonly string[]
  /** Go's name of the architecture. */
  readonly architecture: string
  readonly kernelRelease: string
  /** AppArmor is enforced. */
  readonly apparmor: boolean
  /** The AppArmor profile of containers that ask for none; null when there is none in the kernel. */
  readonly apparmorProfile: string | null
  /** The file that `--init` runs; null when there is none. */
  readonly initBinary: string | null
  /** Replaces the default seccomp profile (`--seccomp-profile`); null is Docker's. */
  readonly seccompProfile: string | null
  /** For containers that do not say otherwise (`default-ulimits`), within what this daemon may set. */
  readonly ulimits?: NonNullable<HostConfig['Ulimits']>
  /** For containers that do not say otherwise (`no-new-privileges`). */
  readonly noNewPrivileges?: boolean
}

/** Where `--init` puts the init in a container, as in Docker. */
export const INIT_PATH = '/sbin/docker-init'

/**
 * The OCI configuration of a container. Reads device nodes named in the request, else nothing.
 * @param user the ids that `Config.User` stands for
 * @throws InvalidArgumentError for what cannot be had on this machine
 */
export function containerSpec(
  request: CreateRequest,
  context: {
    readonly machine: SpecMachine
    readonly cgroupPath: string
    readonly user: OciUser
    /** The kernel and the runtime have time namespaces. */
    readonly timeNamespace: boolean
  },
): OciSpec {
  const { hostConfig, config, namespaces } = request
  const { machine } = context
  const security = securityOptions(hostConfig.SecurityOpt ?? [])
  const capabilities = containerCapabilities(hostConfig, machine.capabilities)
  const seccomp = containerSeccomp({ request, security, machine, capabilities })
  const access = deviceAccess(hostConfig)
  const paths = protectedPaths(hostConfig)
  const sysctl = { ...request.sysctls, ...hostConfig.Sysctls }
  const propagation = rootPropagation(request.mounts)
  const privateUts = namespaces.uts.kind === 'private'
  const annotations = hostConfig.Annotations ?? {}
  return {
    ociVersion: '1.0.2',
    ...(privateUts ? { hostname: request.hostname } : {}),
    ...(privateUts && (config.Domainname ?? '') !== '' ? { domainname: config.Domainname ?? '' } : {}),
    process: containerProcess(request, {
      security,
      capabilities,
      user: context.user,
      machine,
    }),
    root: { path: request.rootfs, readonly: hostConfig.ReadonlyRootfs === true },
    mounts: [...ociMounts(request, security), ...initMount(request, machine)],
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    linux: {
      namespaces: ociNamespaces(namespaces, { time: context.timeNamespace }),
      ...(namespaces.user === null
        ? {}
        : {
            uidMappings: ociIdMappings(namespaces.user.uids),
            gidMappings: ociIdMappings(namespaces.user.gids),
          }),
      devices: access.devices,
      cgroupsPath: context.cgroupPath,
      resources: ociResources(hostConfig, access.rules),
      ...(Object.keys(sysctl).length > 0 ? { sysctl } : {}),
      ...(seccomp === null ? {} : { seccomp }),
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
      maskedPaths: paths.masked,
      readonlyPaths: paths.readOnly,
    },
  }
}

function containerProcess(
  request: CreateRequest,
  context: {
    readonly security: SecurityOptions
    readonly capabilities: readonly string[]
    readonly user: OciUser
    readonly machine: SpecMachine
  },
): OciProcess {
  const { config, hostConfig } = request
  const { security, capabilities, user, machine } = context
  const tty = config.Tty === true
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? []
  const limits = rlimits([
    ...defaultUlimits(machine.ulimits, hostConfig.Ulimits),
    ...(hostConfig.Ulimits ?? []),
  ])
  const oomScoreAdj = hostConfig.OomScoreAdj ?? 0
  return {
    terminal: tty,
    ...(tty && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
    user,
    args: hostConfig.Init === true ? [INIT_PATH, '--', ...request.args] : request.args,
    env: containerEnvironment({
      own: config.Env ?? [],
      links: request.extraEnv ?? [],
      hostname: request.hostname,
      tty,
    }),
    cwd:
      config.WorkingDir === undefined || config.WorkingDir === null || config.WorkingDir === ''
        ? '/'
        : config.WorkingDir,
    capabilities: capabilitySets(capabilities),
    ...(limits.length > 0 ? { rlimits: limits } : {}),
    noNewPrivileges: security.noNewPrivileges ?? machine.noNewPrivileges === true,
    ...apparmorProfile(request, context),
    ...(oomScoreAdj === 0 ? {} : { oomScoreAdj }),
  }
}

/** @throws RuntimeFailure rather than to run without the profile that a container should have */
function apparmorProfile(
  request: CreateRequest,
  { security, machine }: { readonly security: SecurityOptions; readonly machine: SpecMachine },
): { readonly apparmorProfile?: string } {
  const asked = security.apparmor
  // Docker, too, takes profiles for what a machine may lack.
  if (!machine.apparmor) return {}
  if (asked !== null && asked !== '') return { apparmorProfile: asked }
  if (request.hostConfig.Privileged === true) return { apparmorProfile: 'unconfined' }
  if (machine.apparmorProfile !== null) return { apparmorProfile: machine.apparmorProfile }
  throw new RuntimeFailure(
    'AppArmor enabled on system but the docker-default profile could not be loaded: see the log of the daemon',
    { exitCode: 128 },
  )
}

function containerSeccomp(context: {
  readonly request: CreateRequest
  readonly security: SecurityOptions
  readonly machine: SpecMachine
  readonly capabilities: readonly string[]
}): OciSeccomp | null {
  const { request, security, machine, capabilities } = context
  // A profile that the user names holds for a privileged container too.
  const isOwn = security.seccomp !== 'default'
  if (security.seccomp === 'unconfined' || (request.hostConfig.Privileged === true && !isOwn)) return null
  const text = security.seccomp === 'default' ? machine.seccompProfile : security.seccomp
  if (text === 'unconfined') return null
  const { architecture, kernelRelease } = machine
  if (text !== null)
    return resolveSeccomp(parseSeccompProfile(text), { capabilities, architecture, kernelRelease })
  return defaultSeccomp(machine, capabilities)
}

const defaultFilters = new Map<string, OciSeccomp>()

/** The default profile, resolved once for each set of capabilities: the same object for the same rules. */
function defaultSeccomp(machine: SpecMachine, capabilities: readonly string[]): OciSeccomp {
  const key = [machine.architecture, machine.kernelRelease, ...capabilities].join(' ')
  const known = defaultFilters.get(key)
  if (known !== undefined) return known
  const { architecture, kernelRelease } = machine
  const filter = resolveSeccomp(defaultSeccompProfile, { capabilities, architecture, kernelRelease })
  defaultFilters.set(key, filter)
  return filter
}

function initMount(request: CreateRequest, machine: SpecMachine): OciSpec['mounts'] {
  if (request.hostConfig.Init !== true) return []
  if (machine.initBinary === null) {
    throw new InvalidArgumentError(
      '--init needs an init on the host: install tini or catatonit, or set init-path',
    )
  }
  return [
    { destination: INIT_PATH, type: 'bind', source: machine.initBinary, options: ['bind', 'ro', 'rprivate'] },
  ]
}
