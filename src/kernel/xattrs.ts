import { errnoOf } from '#errors/errors.ts'
import { lgetxattr, llistxattr, lremovexattr, lsetxattr } from './native/native.ts'

/** The names of the extended attributes of a file, a link itself and not what it points to (listxattr(2)). */
export function listXattrs(path: string): readonly string[] {
  return sized((buffer) => llistxattr(path, buffer))
    .toString()
    .split('\0')
    .filter((name) => name !== '')
}

/** The value of an extended attribute, or null when the file has none of this name (getxattr(2)). */
export function getXattr(path: string, name: string): Buffer | null {
  try {
    return sized((buffer) => lgetxattr(path, name, buffer))
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENODATA' || errno === 'EOPNOTSUPP') return null
    throw error
  }
}

/** Sets an extended attribute, of a link itself if it is one (setxattr(2)). @throws KernelError EOPNOTSUPP, EPERM … */
export function setXattr(path: string, name: string, value: Buffer): void {
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

/** Asks for the size, then for the bytes, again while they grow in between. */
function sized(read: (buffer: Buffer) => number): Buffer {
  for (;;) {
    const size = read(Buffer.alloc(0))
    if (size === 0) return Buffer.alloc(0)
    try {
      const buffer = Buffer.alloc(size)
      return buffer.subarray(0, read(buffer))
    } catch (error) {
      if (errnoOf(error) !== 'ERANGE') throw error
    }
  }
}
