import { errnoOf } from '#errors/errors.ts'
import { lgetxattr, llistxattr, lremovexattr, lsetxattr } from './native/files.ts'
import { type PathArgument } from './native/native.ts'

/** Extended attributes, xattr(7), of the file itself when the path ends in a symbolic link. */

const FIRST_GUESS = 4096

/** The names of a file's attributes as bytes (latin1); none where the file system has no attributes. @throws KernelError */
export function listXattrs(path: PathArgument): string[] {
  let names: Buffer | null
  try {
    names = grow((buffer) => llistxattr(path, buffer))
  } catch (error) {
    if (errnoOf(error) === 'ENOTSUP' || errnoOf(error) === 'EOPNOTSUPP') return []
    throw error
  }
  if (names.length === 0) return []
  return names.toString('latin1', 0, names.length - 1).split('\0')
}

/** The value of one attribute, null when the file has none of this name. @throws KernelError */
export function getXattr(path: PathArgument, name: string): Buffer | null {
  try {
    return grow((buffer) => lgetxattr(path, name, buffer))
  } catch (error) {
    if (['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return null
    throw error
  }
}

/** Sets one attribute. @throws KernelError, ENOTSUP where the file system has none of this kind */
export function setXattr(path: PathArgument, name: string, value: Buffer): void {
  lsetxattr(path, name, value)
}

/** Removes an extended attribute; one that is not there is fine. */
export function removeXattr(path: string, name: string): void {
  try {
    lremovexattr(path, name)
  } catch (error) {
    if (errnoOf(error) !== 'ENODATA') throw error
  }
}

const shared = Buffer.alloc(FIRST_GUESS)

function grow(call: (buffer: Buffer) => number): Buffer {
  for (let buffer = shared; ;) {
    try {
      return Buffer.from(buffer.subarray(0, call(buffer)))
    } catch (error) {
      // Linux lets no list and no value be longer than 64 KiB.
      if (errnoOf(error) !== 'ERANGE' || buffer.length > 65536) throw error
      buffer = Buffer.alloc(buffer.length * 16)
    }
  }
}
