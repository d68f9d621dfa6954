import { type BigIntStats, closeSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { mkdirat, mknodat, syncfs } from '#kernel/native/files.ts'
import { setXattr } from '#kernel/xattrs.ts'
import { LAYER_TREE } from '../drivers/directory-views.ts'
import { isZero } from './expansion-guard.ts'
import { isWhiteout } from './file-record.ts'
import type { LayerSink } from './layer-sink.ts'
import { OPAQUE_MARK, S_IF, WHITEOUT_PREFIX, checkedName, components } from './layer-tree.ts'
import { TarCopyWriter } from './tar-copy.ts'
import type { TarEntry } from './tar-entry.ts'
import { nameArgument } from './tree-remove.ts'
import { entryPath, orVanished } from './tree-walk.ts'
import { TreeWriter } from './tree-writer.ts'

/** Shorter runs of zeros are written. */
const HOLE_BYTES = 32 * 1024
const OPAQUE = 'trusted.overlay.opaque'

/** Makes a layer that is a directory as overlayfs stacks it, and a compressed copy of its tar. */
export class DirectorySink implements LayerSink {
  readonly #rootFd: number
  readonly #writer: TreeWriter
  readonly #copy: TarCopyWriter
  #isClosed = false

  constructor(directory: string) {
    const root = join(directory, LAYER_TREE)
    mkdirSync(root, { mode: 0o755 })
    this.#rootFd = openSync(root, 'r')
    this.#writer = new TreeWriter(this.#rootFd)
    this.#copy = new TarCopyWriter(directory)
  }

  tar(bytes: Buffer): Promise<void> | null {
    return this.#copy.write(bytes) ? null : this.#copy.drained()
  }

  entry(entry: TarEntry): void {
    const name = entry.name.replace(/\/+$/, '').split('/').at(-1) ?? ''
    if (name.startsWith(WHITEOUT_PREFIX)) {
      this.#whiteout(entry.name, name)
      return
    }
    let hidesLower = false
    if (entry.type === 'directory' && components(entry.name).length > 0) {
      this.#writer.at(entry.name, (parentFd, last) => {
        const existing = find(parentFd, last)
        hidesLower = existing !== null && isWhiteout(existing)
      })
    }
    this.#writer.add(entry)
    if (hidesLower) this.#writer.at(entry.name, setOpaque)
  }

  #whiteout(path: string, name: string): void {
    const parent = components(path).slice(0, -1)
    if (name === OPAQUE_MARK) {
      if (parent.length === 0) setXattr(`/proc/self/fd/${this.#rootFd}/.`, OPAQUE, Buffer.from('y'))
      else this.#writer.at(parent.join('/'), setOpaqueDirectory)
    } else if (!name.startsWith('.wh..wh.') && name !== WHITEOUT_PREFIX) {
      this.#writer.at(
        [...parent, checkedName(name.slice(WHITEOUT_PREFIX.length))].join('/'),
        (parentFd, last) => {
          const existing = find(parentFd, last)
          // What this layer itself has stays: a whiteout hides what is below.
          if (existing === null) mknodat(parentFd, nameArgument(last), S_IF.CHR, 0)
          else if (existing.isDirectory()) setOpaque(parentFd, last)
        },
      )
    }
  }

  data(bytes: Buffer): void {
    // Zeros take no room: a layer that is made to fill the disk with them does not.
    if (bytes.length >= HOLE_BYTES && isZero(bytes)) this.#writer.hole(bytes.length)
    else this.#writer.data(bytes)
  }

  hole(bytes: number): void {
    this.#writer.hole(bytes)
  }

  entryEnd(): void {
    this.#writer.entryEnd()
  }

  async finish(): Promise<void> {
    this.#writer.finish()
    await this.#copy.end()
    // One call for all files of the layer.
    syncfs(this.#rootFd)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#writer.close()
    this.#copy.destroy()
    closeSync(this.#rootFd)
  }
}

function find(parentFd: number, name: string): BigIntStats | null {
  return orVanished(() => lstatSync(entryPath(parentFd, name), { bigint: true }))
}

/** The mark may come before the directory's own entry. */
function setOpaqueDirectory(parentFd: number, name: string): void {
  if (find(parentFd, name) === null) mkdirat(parentFd, nameArgument(name), 0o755)
  setOpaque(parentFd, name)
}

function setOpaque(parentFd: number, name: string): void {
  setXattr(entryPath(parentFd, name), OPAQUE, Buffer.from('y'))
}
