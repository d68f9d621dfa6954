import { closeSync, fdatasyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { TAR_START, writeErofsIndex } from './erofs-index.ts'
import { type PlacedPiece, placeSparseFiles } from './erofs-sparse.ts'
import type { LayerSink } from './layer-sink.ts'
import { LayerTree } from './layer-tree.ts'
import type { TarEntry } from './tar-entry.ts'

/** The name of the image in a layer's directory. */
export const EROFS_FILE = 'layer.erofs'

const ZEROES = Buffer.alloc(256 * 1024)

/** Makes a layer file: the tar as it is, and an EROFS index that points into it. */
export class ErofsSink implements LayerSink {
  readonly #tree = new LayerTree()
  #fd: number
  #tarBytes = 0

  constructor(directory: string) {
    this.#fd = openSync(join(directory, EROFS_FILE), 'wx+', 0o600)
  }

  tar(bytes: Buffer): null {
    const at = TAR_START + this.#tarBytes
    this.#tarBytes += bytes.length
    // Zeroes become a hole: a layer that unpacks to terabytes of nothing takes no room.
    if (bytes.length <= ZEROES.length && bytes.compare(ZEROES, 0, bytes.length) === 0) return null
    writeAll(this.#fd, bytes, at)
    return null
  }

  entry(entry: TarEntry): void {
    this.#tree.add(entry)
  }

  data(): void {}
  hole(): void {}
  entryEnd(): void {}

  finish(): void {
    const { dataBytes, pieces } = placeSparseFiles(this.#tree, this.#tarBytes)
    for (const piece of pieces) this.#copy(piece)
    const fileBytes = writeErofsIndex(this.#tree, dataBytes, (bytes, offset) =>
      writeAll(this.#fd, bytes, offset),
    )
    ftruncateSync(this.#fd, fileBytes)
    fdatasyncSync(this.#fd)
  }

  #copy({ from, to, bytes }: PlacedPiece): void {
    const buffer = Buffer.allocUnsafe(Math.min(bytes, ZEROES.length))
    for (let done = 0; done < bytes;) {
      const read = readSync(
        this.#fd,
        buffer,
        0,
        Math.min(buffer.length, bytes - done),
        TAR_START + from + done,
      )
      // A hole at the end of the tar is not in the file yet.
      if (read === 0) return
      writeAll(this.#fd, buffer.subarray(0, read), TAR_START + to + done)
      done += read
    }
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd)
    this.#fd = -1
  }
}

function writeAll(fd: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
}
