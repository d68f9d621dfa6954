import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attachLoop } from '#kernel/loop-devices.ts'
import { mount, umountAll } from '#kernel/mounts.ts'
import { scratchDirectory } from './scratch.ts'

/** A file system of its own in a file, mounted at `root` while this lives. */
export interface LoopDisk extends Disposable {
  readonly root: string
}

/** @param options what mount(8) takes after -o. @throws KernelError when the kernel refuses to mount it */
export function loopDisk(fstype: 'xfs' | 'btrfs', options: string, sizeMiB = 400): LoopDisk {
  const directory = scratchDirectory(fstype)
  const image = join(directory, 'image')
  writeFileSync(image, '')
  truncateSync(image, sizeMiB * 1024 * 1024)
  execFileSync(`mkfs.${fstype}`, ['-q', image], { stdio: ['ignore', 'ignore', 'pipe'] })
  const root = join(directory, 'root')
  mkdirSync(root)
  {
    using device = attachLoop(image, { readOnly: false })
    mount(root, { source: device.path, fstype, data: options })
  }
  return {
    root,
    [Symbol.dispose]() {
      umountAll(root)
      rmSync(image)
    },
  }
}
