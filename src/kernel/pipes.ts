import { ioctl } from './native/files.ts'

/** ioctl_tty(2), also of pipes (pipe(7)): how many bytes nobody has read yet. */
const FIONREAD = 0x541b

/** How many bytes stand in a pipe. @throws KernelError when it is none */
export function unreadBytes(fd: number): number {
  const count = Buffer.alloc(4)
  ioctl(fd, FIONREAD, count)
  return count.readInt32LE()
}
