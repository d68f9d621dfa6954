import { closeSync, openSync } from 'node:fs'
import { fallocate } from './native/native.ts'

const FALLOC_FL_KEEP_SIZE = 0x1
const FALLOC_FL_PUNCH_HOLE = 0x2

/**
 * Gives the blocks of a range of a file back to the disk: it reads as zeros, the size of the file stays (fallocate(2)).
 * @throws KernelError EOPNOTSUPP where the file system cannot
 */
export function punchHole(
  path: string,
  range: { readonly offsetBytes: number; readonly lengthBytes: number },
): void {
  const fd = openSync(path, 'r+')
  try {
    fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, {
      offset: range.offsetBytes,
      length: range.lengthBytes,
    })
  } finally {
    closeSync(fd)
  }
}
