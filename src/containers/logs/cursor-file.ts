import { open, type FileHandle } from 'node:fs/promises'

/** How far a reader of the spool has come. */
export interface LogCursor {
  /** Bytes of the spool that were dealt with. */
  readonly spoolBytes: number
  /** The size of the file written from it at that moment: what lies behind was written, but not noted. -1: it is being turned over. */
  readonly fileBytes: number
}

const SIZE_BYTES = 64

/**
 * A cursor on disk. One write of few bytes at a fixed place: the death of the process leaves the old one or the new one.
 */
export class CursorFile {
  readonly #path: string
  #handle: FileHandle | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** The cursor as it was noted; the beginning when there is none. */
  async read(): Promise<LogCursor> {
    const handle = this.#handle ?? (await openOrMake(this.#path))
    this.#handle = handle
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIZE_BYTES), 0, SIZE_BYTES, 0)
    const [spoolBytes = 0, fileBytes = 0] = buffer
      .toString('latin1', 0, bytesRead)
      .trim()
      .split(' ')
      .map((text) => Number(text) || 0)
    return { spoolBytes, fileBytes }
  }

  async write(cursor: LogCursor): Promise<void> {
    const text = `${cursor.spoolBytes} ${cursor.fileBytes}`.padEnd(SIZE_BYTES - 1) + '\n'
    await this.#handle?.write(Buffer.from(text, 'latin1'), 0, SIZE_BYTES, 0)
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    await handle?.close()
  }
}

async function openOrMake(path: string): Promise<FileHandle> {
  await (await open(path, 'a', 0o600)).close()
  return await open(path, 'r+')
}
