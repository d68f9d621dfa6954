import { closeSync, constants, openSync, readSync, readlinkSync } from 'node:fs'
import type { IdMap } from '#base/id-map.ts'
import { O_CLOEXEC } from '#kernel/paths.ts'
import type { Job } from '../worker/job.ts'
import { isOpaque, isWhiteout, recordOf, typeOf } from './file-record.ts'
import { emptyDirectory } from './tree-remove.ts'
import { type TreeFile, walkTree } from './tree-walk.ts'
import { TreeWriter } from './tree-writer.ts'

const buffer = Buffer.alloc(256 * 1024)

/** Copies a stack of layer directories (overlayfs' form, lowest first) into one tree. */
export async function copyLayers(
  parameters: { readonly layers: readonly string[]; readonly tree: string; readonly ids: IdMap | null },
  job: Job,
): Promise<void> {
  const treeFd = openSync(parameters.tree, 'r')
  const writer = new TreeWriter(treeFd, { ids: parameters.ids })
  try {
    for (const layer of parameters.layers) {
      copyLayer(layer, writer)
      await new Promise((resolve) => setImmediate(resolve))
      job.signal.throwIfAborted()
    }
    writer.finish()
  } finally {
    writer.close()
    closeSync(treeFd)
  }
}

function copyLayer(layer: string, writer: TreeWriter): void {
  const fd = openSync(layer, 'r')
  const linked = new Map<bigint, string>()
  try {
    for (const file of walkTree(fd)) {
      if (isWhiteout(file.stat)) {
        writer.remove(file.path)
        continue
      }
      const first = file.stat.nlink > 1n && !file.stat.isDirectory() ? linked.get(file.stat.ino) : undefined
      if (first !== undefined) {
        writer.add({ ...recordOf(file, file.path), type: 'hardlink', linkName: first })
        continue
      }
      if (file.stat.nlink > 1n) linked.set(file.stat.ino, file.path)
      copyFile(file, writer)
    }
  } finally {
    closeSync(fd)
  }
}

function copyFile(file: TreeFile, writer: TreeWriter): void {
  const type = typeOf(file.stat)
  if (type === null) return
  const linkName = type === 'symlink' ? readlinkSync(file.at, { encoding: 'latin1' }) : ''
  writer.add({ ...recordOf(file, file.path), type, linkName })
  if (type === 'directory' && isOpaque(file.at))
    writer.at(file.path, (parentFd, name) => emptyDirectory(parentFd, name))
  if (type !== 'file') return
  const fd = openSync(file.at, constants.O_RDONLY | constants.O_NOFOLLOW | O_CLOEXEC)
  try {
    const isShared = writer.shareContent(fd)
    for (let bytes = isShared ? 0 : readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer))
      writer.data(buffer.subarray(0, bytes))
  } finally {
    closeSync(fd)
  }
  writer.entryEnd()
}
