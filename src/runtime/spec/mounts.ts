import type { ContainerMount, CreateRequest } from '../runtime.ts'
import type { OciMount } from './oci-spec.ts'
import { checkProcMounts } from './proc-mounts.ts'

/** What /dev/shm holds when the user says nothing. */
const SHM_BYTES = 64 * 1024 * 1024

/**
 * All mounts of a container: the system's, without those the user replaces, then the user's in the order given.
 * A mount on /dev replaces all that is mounted below it too.
 */
export function ociMounts(
  request: CreateRequest,
  options: { readonly writableCgroups: boolean | null },
): readonly OciMount[] {
  checkProcMounts(request.mounts)
  const taken = new Set(request.mounts.map((mount) => mount.destination))
  const system = systemMounts(request, options).filter(({ destination }) => {
    if (taken.has(destination)) return false
    return !(taken.has('/dev') && destination.startsWith('/dev/'))
  })
  return [...system, ...request.mounts.map(userMount)]
}

function systemMounts(
  request: CreateRequest,
  options: { readonly writableCgroups: boolean | null },
): readonly OciMount[] {
  const privileged = request.hostConfig.Privileged === true
  const access = privileged ? 'rw' : 'ro'
  const cgroupAccess = (options.writableCgroups ?? privileged) ? 'rw' : 'ro'
  const guarded = ['nosuid', 'noexec', 'nodev']
  const mount = (
    destination: string,
    type: string,
    rest: { source?: string; options: readonly string[] },
  ): OciMount => ({
    destination,
    type,
    source: rest.source ?? type,
    options: rest.options,
  })
  return [
    mount('/proc', 'proc', { options: guarded }),
    mount('/dev', 'tmpfs', { options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] }),
    mount('/dev/pts', 'devpts', {
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    }),
    sysMount(request, [...guarded, access]),
    mount('/sys/fs/cgroup', 'cgroup', { options: [cgroupAccess, ...guarded] }),
    mount('/dev/mqueue', 'mqueue', { options: guarded }),
    ...sharedMemory(request),
  ]
}

/** A sysfs belongs to a network namespace: one that the container's user namespace does not own can only be bound. */
function sysMount(request: CreateRequest, options: readonly string[]): OciMount {
  const { network, user } = request.namespaces
  if (user === null || user.path !== null || network.kind === 'private')
    return { destination: '/sys', type: 'sysfs', source: 'sysfs', options }
  return { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...options] }
}

function sharedMemory(request: CreateRequest): readonly OciMount[] {
  const destination = '/dev/shm'
  if (request.hostConfig.IpcMode === 'none') return []
  const shared = request.namespaces.ipc.kind === 'host' ? '/dev/shm' : request.shmPath
  if (shared !== null) return [{ destination, type: 'bind', source: shared, options: ['rbind', 'rprivate'] }]
  const size = request.hostConfig.ShmSize ?? 0
  const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${String(size > 0 ? size : SHM_BYTES)}`]
  return [{ destination, type: 'tmpfs', source: 'shm', options }]
}

function userMount(mount: ContainerMount): OciMount {
  if (mount.kind === 'tmpfs') {
    const options = [...mount.options, ...(mount.readOnly === true ? ['ro'] : [])]
    return { destination: mount.destination, type: 'tmpfs', source: 'tmpfs', options }
  }
  const bind = mount.recursive === false ? 'bind' : 'rbind'
  const wanted = mount.propagation || 'rprivate'
  // crun takes the `r` of the propagation for one of the bind; where nothing is mounted below it means nothing.
  const propagation = bind === 'bind' ? wanted.replace(/^r/, '') : wanted
  return {
    destination: mount.destination,
    type: 'bind',
    source: mount.source,
    options: [
      bind,
      mount.readOnly ? 'ro' : 'rw',
      ...(mount.readOnly && bind === 'rbind' && mount.readOnlyBelow === true ? ['rro'] : []),
      propagation,
      ...(mount.options ?? []),
    ],
  }
}

/**
 * How the container's whole tree propagates: what a mount shared with the host needs. Undefined is the runtime's
 * default, private.
 */
export function rootPropagation(mounts: readonly ContainerMount[]): string | undefined {
  const wanted = mounts.map((mount) => (mount.kind === 'bind' ? (mount.propagation ?? '') : ''))
  if (wanted.some((propagation) => /^r?shared$/.test(propagation))) return 'shared'
  if (wanted.some((propagation) => /^r?slave$/.test(propagation))) return 'rslave'
  return undefined
}
