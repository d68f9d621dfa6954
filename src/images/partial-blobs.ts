import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { link, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { digestHex, type Digest } from '#base/digest.ts'
import { errnoOf } from '#errors/errors.ts'

/** A broken download is worth keeping for so long. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000

/**
 * What broken downloads left, by the digest that they were to have. A file is a second name of the one that is being
 * written, so it is there whenever the daemon dies, at no cost. Nothing in it is trusted: who goes on digests it anew.
 */
export class PartialBlobs {
  readonly #directory: string

  /** Opens the directory (makes it) and removes what is too old. */
  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const oldestMs = Date.now() - MAX_AGE_MS
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      const found = statSync(path, { throwIfNoEntry: false })
      if (found !== undefined && found.mtimeMs < oldestMs) rmSync(path, { force: true })
    }
  }

  /** The bytes that are here, or null. */
  async read(digest: Digest): Promise<Readable | null> {
    const path = this.#path(digest)
    const found = await stat(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return null
      throw error
    })
    return found === null || found.size === 0 ? null : createReadStream(path, { highWaterMark: 256 * 1024 })
  }

  /** Keeps the file that is written now under its digest-to-be. */
  async adopt(digest: Digest, file: string): Promise<void> {
    await this.forget(digest)
    await link(file, this.#path(digest)).catch((error: unknown) => {
      // Somebody else downloads the same bytes for another layer: one copy is enough.
      if (errnoOf(error) !== 'EEXIST') throw error
    })
  }

  async forget(digest: Digest): Promise<void> {
    await unlink(this.#path(digest)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
  }

  #path(digest: Digest): string {
    return join(this.#directory, digestHex(digest))
  }
}
