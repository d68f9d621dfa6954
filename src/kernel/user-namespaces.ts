import { closeSync, existsSync, openSync, readSync, writeFileSync } from 'node:fs'
import type { IdMap, IdMapping } from '#base/id-map.ts'
import { UnavailableError } from '#errors/errors.ts'
import { ioctl } from './native/files.ts'
import { pipe2 } from './native/native.ts'
import { spawnProcess } from './processes.ts'
import { watchFd } from './readiness.ts'

const O_CLOEXEC = 0o2000000
/** ioctl_ns(2). */
const NS_GET_USERNS = 0xb701
const ENV = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']

/** A user namespace to be: a new one with this mapping, or the one at the path. */
export type UserNamespace =
  { readonly kind: 'new'; readonly map: IdMap } | { readonly kind: 'join'; readonly path: string }

/**
 * Runs `use` while a helper process lives in a user namespace, and in a network namespace that belongs to it: no thread
 * of a process with several can enter one itself (unshare(2)). What `use` opens or mounts of /proc/<pid>/ns outlives it.
 * @throws UnavailableError when the kernel makes no user namespace
 */
export async function inUserNamespace<T>(
  namespace: UserNamespace,
  options: { readonly network: boolean },
  use: (pid: number) => T,
): Promise<T> {
  const [inputRead, inputWrite] = pipe2(O_CLOEXEC)
  const [outputRead, outputWrite] = pipe2(O_CLOEXEC)
  try {
    const child = (() => {
      try {
        // What it prints tells that it is there, the end of its input that it may go.
        const fds = new Map([[0, inputRead], [1, outputWrite]]) // prettier-ignore
        return spawnProcess({ argv: helperArguments(namespace, options), env: ENV, fds })
      } finally {
        closeSync(inputRead)
        closeSync(outputWrite)
      }
    })()
    if (!(await hasSpoken(outputRead))) {
      throw new UnavailableError(
        'the kernel makes no user namespace (see /proc/sys/user/max_user_namespaces)',
      )
    }
    if (namespace.kind === 'new') {
      writeFileSync(`/proc/${String(child.pid)}/uid_map`, mapText(namespace.map.uids))
      writeFileSync(`/proc/${String(child.pid)}/gid_map`, mapText(namespace.map.gids))
    }
    return use(child.pid)
  } finally {
    closeSync(inputWrite)
    closeSync(outputRead)
  }
}

/** A new user namespace with this mapping, held by the fd: for idmapped mounts. @throws UnavailableError */
export function openUserNamespace(map: IdMap): Promise<number> {
  return inUserNamespace({ kind: 'new', map }, { network: false }, (pid) =>
    openSync(`/proc/${String(pid)}/ns/user`, 'r'),
  )
}

/** The user namespace that another namespace belongs to, by its path. The caller closes the fd. */
export function openOwner(namespacePath: string): number {
  const fd = openSync(namespacePath, 'r')
  try {
    return ioctl(fd, NS_GET_USERNS, 0)
  } finally {
    closeSync(fd)
  }
}

function helperArguments(
  namespace: UserNamespace,
  { network }: { readonly network: boolean },
): readonly [string, ...string[]] {
  const shell = ['/bin/sh', '-c', 'echo; read _']
  const unshare = program('unshare')
  if (namespace.kind === 'new') return [unshare, '--user', ...(network ? ['--net'] : []), '--', ...shell]
  const inside = network ? [unshare, '--net', '--', ...shell] : shell
  return [program('nsenter'), `--user=${namespace.path}`, '--', ...inside]
}

/** unshare(1) and nsenter(1) of util-linux, which every distribution has. */
function program(name: string): string {
  const path = [`/usr/bin/${name}`, `/bin/${name}`].find((candidate) => existsSync(candidate))
  if (path === undefined) throw new UnavailableError(`${name} (util-linux) is not installed`)
  return path
}

function hasSpoken(fd: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const watch = watchFd(fd, () => {
    watch.close()
    resolve(readSync(fd, Buffer.alloc(1)) > 0)
  })
  return promise
}

function mapText(mappings: readonly IdMapping[]): string {
  return mappings
    .map(({ containerId, hostId, size }) => `${String(containerId)} ${String(hostId)} ${String(size)}\n`)
    .join('')
}
