import { closeSync, openSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { ioctl } from './native/files.ts'

/** A loop device, loop(4). Disposing of it lets go of it: it detaches itself when nothing has it mounted. */
export interface LoopDevice extends Disposable {
  readonly path: string
}

const LOOP_CTL_GET_FREE = 0x4c82
const LOOP_CONFIGURE = 0x4c0a
const LO_FLAGS_READ_ONLY = 1
const LO_FLAGS_AUTOCLEAR = 4

/** struct loop_config of linux/loop.h: fd, block size, struct loop_info64, 64 bytes reserved. */
const CONFIG_BYTES = 304
const FLAGS_OFFSET = 60

/**
 * Makes a file a block device (Linux 5.8).
 * @throws KernelError; ENOENT or ENODEV where the kernel has no loop devices
 */
export function attachLoop(file: string, options: { readonly readOnly: boolean }): LoopDevice {
  const backing = openSync(file, options.readOnly ? 'r' : 'r+')
  const control = openSync('/dev/loop-control', 'r+')
  try {
    for (;;) {
      const number = ioctl(control, LOOP_CTL_GET_FREE, 0)
      const path = `/dev/loop${String(number)}`
      const device = openSync(path, options.readOnly ? 'r' : 'r+')
      const config = Buffer.alloc(CONFIG_BYTES)
      config.writeUInt32LE(backing, 0)
      config.writeUInt32LE(LO_FLAGS_AUTOCLEAR | (options.readOnly ? LO_FLAGS_READ_ONLY : 0), FLAGS_OFFSET)
      try {
        ioctl(device, LOOP_CONFIGURE, config)
        return { path, [Symbol.dispose]: () => closeSync(device) }
      } catch (error) {
        closeSync(device)
        // Someone else took the free one: ask for the next.
        if (errnoOf(error) !== 'EBUSY') throw error
      }
    }
  } finally {
    closeSync(control)
    closeSync(backing)
  }
}
