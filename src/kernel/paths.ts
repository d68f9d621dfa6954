import { closeSync, constants, fstatSync, readlinkSync } from 'node:fs'
import { errnoOf, KernelError } from '#errors/errors.ts'
import { mkdirat, openat2 } from './native/files.ts'
import { type PathArgument } from './native/native.ts'

/** openat2(2): what a path may not do while it is resolved. */
const RESOLVE_NO_MAGICLINKS = 0x2
const RESOLVE_NO_SYMLINKS = 0x4
const RESOLVE_IN_ROOT = 0x10
const AT_FDCWD = -100
/** open(2) of a place, not of its content; Node has no name for it. */
export const O_PATH = 0o10000000
export const O_CLOEXEC = 0o2000000
/** For opening what must be a directory itself, not a link to one. */
export const O_REAL_DIRECTORY = constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens a path as if the root were `/`: absolute and relative symbolic links and `..` stay inside it, however the tree
 * changes meanwhile, because the kernel resolves it (openat2(2), RESOLVE_IN_ROOT). The caller closes the fd.
 * @param options.flags of open(2); default O_PATH. `/proc/self/fd/<fd>` names the very file found.
 * @throws KernelError ENOENT, ENOTDIR, ELOOP, EACCES …
 */
export function openBeneath(
  root: string,
  path: string,
  options: { readonly flags?: number; readonly mode?: number } = {},
): number {
  const rootFd = openat2(AT_FDCWD, root, { flags: O_PATH | constants.O_DIRECTORY | O_CLOEXEC, resolve: 0 })
  try {
    return openIn(rootFd, path, options)
  } finally {
    closeSync(rootFd)
  }
}

/**
 * The host path that a path inside the root stands for, links followed.
 * The answer is of this moment: where the tree can change under the caller, use `openBeneath`.
 * @throws KernelError ENOENT, ENOTDIR, ELOOP …
 */
export function resolveBeneath(root: string, path: string): string {
  const fd = openBeneath(root, path)
  try {
    return readlinkSync(`/proc/self/fd/${String(fd)}`)
  } finally {
    closeSync(fd)
  }
}

/** As `resolveBeneath`; null when there is nothing. Other errors are thrown. */
export function findBeneath(root: string, path: string): string | null {
  try {
    return resolveBeneath(root, path)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null
    throw error
  }
}

/**
 * Resolves all but the last name of the path: where something is to be made, replaced or removed.
 * The caller closes the fd; `name` is one path component, never `..`.
 * @throws KernelError EINVAL for a path that names the root itself or ends in `..`
 */
export function openParentBeneath(
  root: string,
  path: string,
): { readonly fd: number; readonly name: string } {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const name = parts.pop()
  if (name === undefined || name === '..') throw new KernelError('openat2', 'EINVAL', { path })
  return { fd: openBeneath(root, parts.join('/'), { flags: O_PATH | constants.O_DIRECTORY }), name }
}

/**
 * Makes a directory and those above it, all inside the root; existing ones are fine, links to directories are followed.
 * @returns the host path of the directory
 * @throws KernelError ENOTDIR when a file is in the way
 */
export function makeDirectoryBeneath(root: string, path: string, mode = 0o755): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const rootFd = openBeneath(root, '/')
  try {
    for (let depth = 1; depth <= parts.length; depth++) makeOne(rootFd, parts.slice(0, depth), mode)
    const fd = openIn(rootFd, parts.join('/'), { flags: O_PATH | constants.O_DIRECTORY })
    try {
      return readlinkSync(`/proc/self/fd/${String(fd)}`)
    } finally {
      closeSync(fd)
    }
  } finally {
    closeSync(rootFd)
  }
}

function makeOne(rootFd: number, parts: readonly string[], mode: number): void {
  const name = parts.at(-1) ?? ''
  if (name === '..') return
  const parent = openIn(rootFd, parts.slice(0, -1).join('/'), { flags: O_PATH | constants.O_DIRECTORY })
  try {
    mkdirat(parent, name, mode)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  } finally {
    closeSync(parent)
  }
}

/** As `openBeneath`, for a root that is open; `noSymlinks` fails with ELOOP instead of following any link. */
export function openIn(
  rootFd: number,
  path: PathArgument,
  options: { readonly flags?: number; readonly mode?: number; readonly noSymlinks?: boolean },
): number {
  const how = {
    flags: (options.flags ?? O_PATH) | O_CLOEXEC,
    mode: options.mode ?? 0,
    resolve:
      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (options.noSymlinks === true ? RESOLVE_NO_SYMLINKS : 0),
  }
  const inside = typeof path === 'string' ? path.replace(/^\/+/, '') : path
  for (;;) {
    try {
      return openat2(rootFd, inside.length === 0 ? '.' : inside, how)
    } catch (error) {
      // The kernel gives up when a rename races with `..`: it asks to try again (openat2(2)).
      if (errnoOf(error) !== 'EAGAIN') throw error
    }
  }
}

/** Tells whether an open file is a directory. */
export function isDirectoryFd(fd: number): boolean {
  return fstatSync(fd).isDirectory()
}
