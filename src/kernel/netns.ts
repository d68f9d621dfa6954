import { closeSync, mkdirSync, openSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '#errors/errors.ts'
import { mount, setns, umount2, unshare } from './native/native.ts'
import { inUserNamespace, type UserNamespace } from './user-namespaces.ts'

const CLONE_NEWNET = 0x40000000
const MS_BIND = 4096
const MNT_DETACH = 2

/** The network namespace of this thread. It is looked at once: before any call here has changed it. */
const home = openSync('/proc/thread-self/ns/net', 'r')

/**
 * Runs `work` in the network namespace behind the fd, on this thread, and comes back (setns(2)). `work` must not wait: anything
 * else that ran on this thread meanwhile would be in the wrong namespace. Sockets opened inside stay inside.
 */
export function inNetns<T>(fd: number, work: () => T): T {
  setns(fd, CLONE_NEWNET)
  try {
    const result = work()
    if (result instanceof Promise) throw new TypeError('work in a network namespace must not wait')
    return result
  } finally {
    goHome()
  }
}

/**
 * Makes a network namespace that lives as long as its name: a bind mount at `path` (ip-netns(8) does the same). `prepare` runs in it.
 * On failure nothing remains. @throws KernelError, or what `prepare` throws.
 */
export function createNetns(path: string, prepare: () => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
  closeSync(openSync(path, 'wx', 0o444))
  let mounted = false
  try {
    unshare(CLONE_NEWNET)
    try {
      mount('/proc/thread-self/ns/net', path, null, MS_BIND, null)
      mounted = true
      prepare()
    } finally {
      goHome()
    }
  } catch (error) {
    if (mounted) umount2(path, MNT_DETACH)
    unlinkSync(path)
    throw error
  }
}

/**
 * As `createNetns`, with an owner: the root of the user namespace may configure it (network_namespaces(7)).
 * @throws UnavailableError when the kernel makes no user namespace
 */
export async function createOwnedNetns(path: string, owner: UserNamespace): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
  await inUserNamespace(owner, { network: true }, (pid) => {
    closeSync(openSync(path, 'wx', 0o444))
    try {
      mount(`/proc/${String(pid)}/ns/net`, path, null, MS_BIND, null)
    } catch (error) {
      unlinkSync(path)
      throw error
    }
  })
}

/** Opens a namespace by its path, for `inNetns` and for netlink. The caller closes the fd. */
export function openNetns(path: string): number {
  return openSync(path, 'r')
}

/** The namespace that the daemon itself lives in. Not to be closed. */
export function homeNetns(): number {
  return home
}

/** Takes the name away; the namespace ends with its last process. Idempotent. */
export function removeNetns(path: string): void {
  for (const step of [() => umount2(path, MNT_DETACH), () => unlinkSync(path)]) {
    try {
      step()
    } catch (error) {
      // EINVAL: not mounted any more; ENOENT: gone already.
      const errno = errnoOf(error)
      if (errno !== 'EINVAL' && errno !== 'ENOENT') throw error
    }
  }
}

function goHome(): void {
  try {
    setns(home, CLONE_NEWNET)
  } catch {
    // A daemon in the wrong namespace would configure a container's network as the host's: no state is better than this one.
    process.abort()
  }
}
