import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { errnoOf } from '#errors/errors.ts'
import { failpoint } from '#base/failpoint.ts'

/** How large a log may become, and what is kept of it. */
export interface Rotation {
  /** Infinity: one file without an end. */
  readonly maxSizeBytes: number
  /** Files in all, the one being written among them. */
  readonly maxFiles: number
  readonly compress: boolean
}

/**
 * A file that is appended to and turned over when it is full: `x.log`, `x.log.1`, `x.log.2` … (`.gz` behind all but the
 * first when compressed), as Docker names them.
 */
export class RotatedFile {
  readonly path: string
  readonly #rotation: Rotation
  #handle: FileHandle | null = null
  #sizeBytes = 0
  #compressing: Promise<void> = Promise.resolve()

  constructor(path: string, rotation: Rotation) {
    this.path = path
    this.#rotation = rotation
  }

  /** Bytes until the file is to be turned over; at most 0 when it is due. */
  get roomBytes(): number {
    return this.#rotation.maxSizeBytes - this.#sizeBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Opens the file for appending. */
  async open(): Promise<void> {
    if (this.#handle !== null) return
    this.#handle = await open(this.path, 'a', 0o640)
    this.#sizeBytes = (await this.#handle.stat()).size
  }

  /** Cuts off what a crash left behind the last position that was noted. */
  async truncate(sizeBytes: number): Promise<void> {
    await this.open()
    if (this.#sizeBytes <= sizeBytes) return
    await this.#handle?.truncate(sizeBytes)
    this.#sizeBytes = sizeBytes
  }

  /** Appends; never splits what it is given. */
  async append(bytes: Uint8Array): Promise<void> {
    await this.open()
    await this.#handle?.appendFile(bytes)
    this.#sizeBytes += bytes.byteLength
  }

  /** Turns the file over: the oldest goes. A crash between two steps leaves each file under one name. */
  async rotate(): Promise<void> {
    await this.#compressing
    await this.close()
    const { maxFiles, compress } = this.#rotation
    const ending = compress ? '.gz' : ''
    if (maxFiles <= 1) await rm(this.path, { force: true })
    else {
      for (let n = maxFiles - 1; n > 1; n -= 1) {
        await renameIfThere(`${this.path}.${n - 1}${ending}`, `${this.path}.${n}${ending}`)
      }
      await failpoint('containers.logs.before-rotate')
      await renameIfThere(this.path, `${this.path}.1`)
      if (compress) this.#compressing = this.#compress(`${this.path}.1`).catch(() => {})
    }
    await this.open()
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    await handle?.close()
    await this.#compressing
  }

  /** The files there may be, oldest first. */
  files(): readonly string[] {
    const files: string[] = []
    for (let n = this.#rotation.maxFiles - 1; n >= 1; n -= 1)
      files.push(`${this.path}.${n}.gz`, `${this.path}.${n}`)
    return [...files, this.path]
  }

  async #compress(path: string): Promise<void> {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz.new`, { mode: 0o640 }))
    await rename(`${path}.gz.new`, `${path}.gz`)
    await rm(path, { force: true })
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
