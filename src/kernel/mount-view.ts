import { closeSync, constants, openSync, statSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { bindMount, setPropagation } from './mounts.ts'
import { chroot, fchdir, setns, unshare } from './native/native.ts'
import { makeDirectoryBeneath, O_CLOEXEC, O_PATH, openIn, resolveBeneath } from './paths.ts'

const CLONE_NEWNS = 0x00020000

/** A file or directory of the host that a view shows beneath its root. */
export interface ViewMount {
  readonly source: string
  /** Resolved beneath the root by the kernel; made there when it is missing, as a container's start does. */
  readonly destination: string
  readonly readOnly: boolean
}

/** A root with mounts that nobody else sees. Every path beneath `rootFd` crosses them, on any thread. */
export interface MountView extends Disposable {
  readonly rootFd: number
}

/**
 * Opens a root as a container would see it, mounts included, in a mount namespace that lasts as long as the view.
 * Must be called on a worker thread: the thread's idea of `/` and of its working directory becomes its own.
 * @throws KernelError; nothing remains of a view that fails
 */
export function openMountView(root: string, mounts: readonly ViewMount[]): MountView {
  if (mounts.length === 0) {
    const rootFd = openRoot(root)
    return { rootFd, [Symbol.dispose]: () => closeSync(rootFd) }
  }
  const home = openSync('/proc/thread-self/ns/mnt', constants.O_RDONLY | O_CLOEXEC)
  const homeRoot = openRoot('/')
  try {
    unshare(CLONE_NEWNS)
    try {
      keepToItself()
      for (const mount of mounts) attach(root, mount)
      const rootFd = openRoot(root)
      // The mounts below an open directory are gone with their namespace: it is held too.
      const namespace = openSync('/proc/thread-self/ns/mnt', constants.O_RDONLY | O_CLOEXEC)
      return {
        rootFd,
        [Symbol.dispose]: () => {
          closeSync(rootFd)
          closeSync(namespace)
        },
      }
    } finally {
      // setns(2) leaves the thread at the root of the namespace, which is not ours when the daemon is in a chroot.
      setns(home, CLONE_NEWNS)
      fchdir(homeRoot)
      chroot('.')
    }
  } finally {
    closeSync(homeRoot)
    closeSync(home)
  }
}

function openRoot(path: string): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY | O_CLOEXEC)
}

/** What is mounted here is not mounted elsewhere. In a chroot `/` is no mount point; the daemon's own roots are private anyway. */
function keepToItself(): void {
  try {
    setPropagation('/', 'private')
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error
  }
}

function attach(root: string, { source, destination, readOnly }: ViewMount): void {
  bindMount(source, mountPoint(root, source, destination), { recursive: true, readOnly })
}

function mountPoint(root: string, source: string, destination: string): string {
  if (statSync(source).isDirectory()) return makeDirectoryBeneath(root, destination)
  makeDirectoryBeneath(root, destination.slice(0, destination.lastIndexOf('/')))
  const rootFd = openRoot(root)
  try {
    closeSync(openIn(rootFd, destination, { flags: constants.O_CREAT | constants.O_RDONLY, mode: 0o644 }))
  } finally {
    closeSync(rootFd)
  }
  return resolveBeneath(root, destination)
}
