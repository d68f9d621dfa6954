import { type WriteStream, createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type ZstdCompress, constants, createZstdCompress, createZstdDecompress } from 'node:zlib'

/**
 * A layer that is a directory cannot give its tar back byte for byte, so the tar is kept beside it, compressed
 * lightly.
 */
const FILE = 'layer.tar.zst'

/** Writes the copy while a layer comes in. */
export class TarCopyWriter {
  readonly #file: WriteStream
  readonly #compress: ZstdCompress
  readonly #done: Promise<void>

  constructor(directory: string) {
    this.#file = createWriteStream(join(directory, FILE), { flags: 'wx', mode: 0o600, flush: true })
    this.#compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
    this.#compress.pipe(this.#file)
    this.#compress.on('error', (error) => this.#file.destroy(error))
    this.#done = finished(this.#file, { readable: false })
    this.#done.catch(() => {})
  }

  /** Takes bytes, which are copied. False means: wait for `drained` before the next. */
  write(bytes: Buffer): boolean {
    return this.#compress.write(Buffer.from(bytes))
  }

  async drained(): Promise<void> {
    if (!this.#compress.writableNeedDrain) return
    await Promise.race([new Promise((resolve) => this.#compress.once('drain', resolve)), this.#done])
  }

  /** Completes the file and syncs it. */
  async end(): Promise<void> {
    this.#compress.end()
    await this.#done
  }

  destroy(): void {
    this.#compress.destroy()
    this.#file.destroy()
  }
}

/** The tar of a layer kept in this directory. */
export function readTarCopy(directory: string): Readable {
  const file = createReadStream(join(directory, FILE), { highWaterMark: 128 * 1024 })
  const inflate = createZstdDecompress({ chunkSize: 256 * 1024 })
  file.on('error', (error) => inflate.destroy(error))
  inflate.on('close', () => file.destroy())
  return file.pipe(inflate)
}
